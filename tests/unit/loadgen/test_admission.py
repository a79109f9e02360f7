"""Who may take part in a load, and what the others are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import GeneratorError
from harness.loadgen.distributed.admission import Admission, Newcomer, Terms, is_loopback
from harness.loadgen.distributed.trust import Token

TERMS = Terms("0.2.0", "sources", "lectio.py", "flows", "clock", "network", "http://10.0.0.9")
TOKEN = Token("0123456789abcdef")


def door(count: int = 2, **terms: str) -> Admission:
    return Admission(replace(TERMS, **terms), TOKEN, count)


def knock(at: Admission, client: str, token: Token = TOKEN, version: str = "0.2.0", **said: Any) -> Newcomer:
    answer = at.hello(client, {"version": version, "challenge": "c", "name": client})
    proof = token.prove("worker", "c", answer["challenge"])
    known = {"name": client, "number": 0, "clock": "clock", "network": "network", "sources": "sources"}
    return at.join(client, {**known, "flows": "flows", "target": "", "proof": proof, **said})


def test_each_gets_a_part_of_its_own() -> None:
    at = door()
    assert [knock(at, name).index for name in ("a", "b")] == [0, 1]
    assert list(at.members) == ["a", "b"]


def test_processes_of_the_masters_own_get_the_part_of_their_number() -> None:
    at = door()
    assert [knock(at, name, number=number).index for name, number in (("b", 2), ("a", 1))] == [1, 0]


def test_the_clock_is_shared_only_with_who_says_the_same() -> None:
    at = door(3)
    assert knock(at, "a").same_clock
    assert not knock(at, "b", clock="other").same_clock
    assert not knock(at, "c", clock=None).same_clock


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"version": "0.1.0"}, "worker x runs version 0.1.0, the master 0.2.0"),
        ({"token": Token("another one, long")}, "worker x does not know the token"),
        ({"proof": None}, "worker x does not know the token"),
        ({"proof": 7}, "worker x does not know the token"),
        ({"sources": "edited"}, "worker x has other sources of Proofload 0.2.0 than the master"),
        ({"flows": "edited"}, "worker x has another lectio.py than the master"),
        ({"flows": ""}, "worker x has no lectio.py"),
    ],
)
def test_another_worker_is_refused_and_told_why(said: dict[str, Any], reason: str) -> None:
    at = door()
    with pytest.raises(GeneratorError) as refused:
        knock(at, "x", **said)
    assert refused.value.message == reason
    assert refused.value.hint
    assert not at.members


def test_who_joins_twice_late_or_beyond_the_number_is_refused() -> None:
    at = door(2)
    knock(at, "a")
    with pytest.raises(GeneratorError, match="joined already"):
        knock(at, "a")
    with pytest.raises(GeneratorError, match="a worker a is here already"):
        knock(at, "twin", name="a")
    knock(at, "b")
    with pytest.raises(GeneratorError, match="one too many"):
        knock(at, "c")
    at.begun = True
    at.leave("b")
    with pytest.raises(GeneratorError, match="comes too late: the load has begun"):
        knock(at, "d")


def test_who_leaves_before_the_load_makes_room() -> None:
    at = door(2)
    knock(at, "a")
    knock(at, "b")
    at.leave("a")
    assert knock(at, "c").index == 0


def test_a_proof_is_good_for_one_challenge_once() -> None:
    at = door()
    answer = at.hello("a", {"version": "0.2.0", "challenge": "c", "name": "a"})
    said = {"name": "a", "proof": TOKEN.prove("worker", "c", answer["challenge"])}
    at.hello("b", {"version": "0.2.0", "challenge": "c", "name": "b"})
    for client in ("b", "b", "nobody"):
        with pytest.raises(GeneratorError, match="does not know the token"):
            at.join(client, said)
    with pytest.raises(GeneratorError, match="does not know the token"):
        at.join("a", {**said, "proof": answer["proof"]})  # the master's own, sent back


def test_the_masters_own_loopback_is_another_machine_elsewhere() -> None:
    at = door(target="http://127.0.0.1:8000")
    with pytest.raises(GeneratorError) as refused:
        knock(at, "x", network="other")
    assert refused.value.message.startswith("http://127.0.0.1:8000 is another machine for worker x")
    assert "--host URL" in refused.value.hint
    knock(at, "a")
    knock(at, "b", network="other", target="http://10.0.0.9:8000")


@pytest.mark.parametrize("said", [{}, {"version": "0.2.0"}, {"version": "0.2.0", "challenge": 7, "name": "\x1b[2J"}])
def test_what_cannot_be_read_is_a_refusal(said: dict[str, Any]) -> None:
    with pytest.raises(GeneratorError) as refused:
        door().hello("x", said)
    assert "\x1b" not in refused.value.message


def test_strangers_do_not_fill_the_memory() -> None:
    at = door()
    for number in range(2000):
        at.hello(f"stranger-{number}", {"version": "0.2.0", "challenge": "c", "name": "s"})
    assert len(at._pending) <= 256
    assert knock(at, "a").index == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.8.0.1", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.1", False),
        ("http://nginx:8080", False),
        ("", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
