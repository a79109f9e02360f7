"""Signing in for the browser: what is sent, what comes back, and that no secret is said."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from harness.model.target import Page
from harness.samplers.browser import PageProbe, SignInFailed, account_of, cookies_of, fill, sign_in
from harness.samplers.chromium import Seen

ANSWER = {"token": "abc", "user": {"id": 13, "name": "a b/c", "tags": []}}


def test_the_path_is_filled_from_the_answer() -> None:
    assert fill("/students/{user.id}?as={user.name}", ANSWER) == "/students/13?as=a%20b%2Fc"
    assert fill("/about", ANSWER) == "/about"


@pytest.mark.parametrize("path", ["/{user.mail}", "/{id}", "/{user.tags}", "/{token.id}"])
def test_what_the_answer_lacks_is_named(path: str) -> None:
    with pytest.raises(SignInFailed, match=path.strip("/{}")):
        fill(path, ANSWER)


def test_secrets_come_from_the_environment() -> None:
    page = Page("/", "/login", (("email", "a@b.test"), ("password", "$SHOP_PASSWORD")))
    assert account_of(page, {"SHOP_PASSWORD": "geheim"}) == {"email": "a@b.test", "password": "geheim"}
    with pytest.raises(SignInFailed, match="SHOP_PASSWORD is not set"):
        account_of(page, {})


def test_cookies_are_kept_by_name() -> None:
    lines = ["token=eyJ.x-y_z; Max-Age=43200; HttpOnly; Path=/; SameSite=Lax", 'lang="de"; Path=/']
    assert cookies_of(lines) == {"token": "eyJ.x-y_z", "lang": "de"}


def test_a_page_for_everybody_needs_no_sign_in() -> None:
    visitor = sign_in("http://127.0.0.1:1", Page("/about"), {})
    assert (visitor.path, visitor.cookies) == ("/about", {})


def test_a_refused_connection_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(http.client.HTTPConnection, "request", refuse)
    with pytest.raises(SignInFailed, match="POST /login: ConnectionRefusedError") as failed:
        sign_in("http://127.0.0.1:1", Page("/", "/login", (("password", "geheim"),)), {})
    assert "geheim" not in str(failed.value)


class MadeUpChromium:
    """Says what it is told to."""

    def __init__(self, *answers: Seen) -> None:
        self.answers = list(answers)
        self.opened: list[tuple[str, dict[str, Any]]] = []

    def open(self, url: str, **how: Any) -> Seen:
        self.opened.append((url, how))
        return self.answers.pop(0)


def test_the_page_is_opened_with_the_probes_mark() -> None:
    chromium = MadeUpChromium(Seen(0.2, 200))
    probe = PageProbe(chromium, "http://127.0.0.1:1", Page("/about"), {})  # type: ignore[arg-type]
    assert probe.open() == Seen(0.2, 200)
    ((url, how),) = chromium.opened
    assert url == "http://127.0.0.1:1/about"
    assert how["headers"] == {"X-Proofload-Probe": "browser"}
    assert how["cookies"] == {}
