"""Which hosts may be loaded."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.allow import check_allowed
from harness.errors import UnsafeTargetError

NAMES = {
    "localhost": ("127.0.0.1", "::1"),
    "staging.example": ("203.0.113.7", "2001:db8::7"),
    "mixed.example": ("127.0.0.1", "203.0.113.7"),
    "nowhere.example": (),
}


def resolve(host: str) -> Iterable[str]:
    if host == "unknown.example":
        raise OSError("Name or service not known")
    return NAMES.get(host, (host,))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.8.9.1/",
        "http://[::1]:80",
        "http://LOCALHOST:8000/x",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_loopback_may_always_be_loaded(url: str) -> None:
    assert check_allowed(url, resolve=resolve)


@pytest.mark.parametrize(
    "url",
    [
        "http://staging.example",
        "http://mixed.example",
        "http://203.0.113.7:80",
        "http://0.0.0.0:8000",
        "http://169.254.169.254/latest",
        "http://[2001:db8::7]/",
        "http://127.0.0.1.example.com",
    ],
)
def test_one_address_beyond_this_machine_is_enough_to_refuse(url: str) -> None:
    with pytest.raises(UnsafeTargetError, match="nobody has allowed") as caught:
        check_allowed(url, resolve=resolve)
    assert "--allow" in caught.value.hint
    assert caught.value.exit_code == 20


def test_the_refusal_names_the_addresses_that_are_strangers() -> None:
    with pytest.raises(UnsafeTargetError) as caught:
        check_allowed("http://mixed.example", resolve=resolve)
    assert caught.value.where == ("http://mixed.example: mixed.example is 203.0.113.7",)


@pytest.mark.parametrize("allowed", [["staging.example"], ["Staging.Example."], ["203.0.113.7", "2001:DB8::7"]])
def test_a_host_that_is_named_may_be_loaded(allowed: list[str]) -> None:
    assert check_allowed("http://staging.example", allowed, resolve) == NAMES["staging.example"]


def test_naming_one_of_two_addresses_is_not_enough() -> None:
    with pytest.raises(UnsafeTargetError):
        check_allowed("http://staging.example", ["203.0.113.7"], resolve)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://me:secret@127.0.0.1", "user or a password"),
        ("http://127.0.0.1@staging.example", "user or a password"),
        ("ftp://127.0.0.1", "HTTP server"),
        ("127.0.0.1:8000", "HTTP server"),
        ("http://", "HTTP server"),
        ("http://127.0.0.1:port", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://unknown.example", "cannot be resolved"),
        ("http://nowhere.example", "has no address"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, message: str) -> None:
    with pytest.raises(UnsafeTargetError, match=message) as caught:
        check_allowed(url, ["127.0.0.1", "staging.example"], resolve)
    assert "secret" not in " ".join(caught.value.where)
