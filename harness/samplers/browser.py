"""A page as a person's browser sees it: sign in as the system's file says, open it, note its first contentful paint.

The sign-in is asked for once, by the harness; only the page is opened in Chromium.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

from harness.model.target import Page
from harness.samplers.base import describe
from harness.samplers.chromium import Chromium, Seen
from harness.store.read import BROWSER_PROBE, PROBE_HEADER, SAMPLER_USER_AGENT

PATIENCE_SECONDS = 10.0
"""A page that has painted nothing by then is a bad one, whatever the bound."""
_FIELD = re.compile(r"\{([\w.]+)\}")


class SignInFailed(Exception):
    """The page could not be opened as anybody; its text is why, without any secret."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in. path: of the page, theirs."""

    path: str
    cookies: Mapping[str, str]


def sign_in(base_url: str, page: Page, environment: Mapping[str, str]) -> Visitor:
    """Send the account to the page's ``sign_in``. Raises SignInFailed."""
    if not page.sign_in:
        return Visitor(fill(page.path, {}), {})
    parts = urlsplit(base_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    headers = {"User-Agent": SAMPLER_USER_AGENT, "Content-Type": "application/json"}
    try:
        connection.request("POST", page.sign_in, json.dumps(account_of(page, environment)), headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise SignInFailed(f"POST {page.sign_in}: {describe(error)}") from None
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise SignInFailed(f"POST {page.sign_in}: HTTP {answer.status}")
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    return Visitor(fill(page.path, said), cookies_of(answer.headers.get_all("Set-Cookie") or []))


def account_of(page: Page, environment: Mapping[str, str]) -> dict[str, str]:
    """What is sent to sign in; ``$NAME`` stands for an environment variable. Raises SignInFailed when it is not set."""
    account = {}
    for name, value in page.account:
        if value.startswith("$") and value[1:] not in environment:
            raise SignInFailed(f"the environment variable {value[1:]} is not set")
        account[name] = environment[value[1:]] if value.startswith("$") else value
    return account


def fill(path: str, answer: object) -> str:
    """The path with ``{user.id}`` replaced by what the answer says there. Raises SignInFailed."""

    def value(field: re.Match[str]) -> str:
        found: Any = answer
        for name in field[1].split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, str | int):
            raise SignInFailed(f"the answer to the sign-in has no {field[1]}")
        return quote(str(found), safe="")

    return _FIELD.sub(value, path)


def cookies_of(lines: list[str]) -> dict[str, str]:
    """Name and value of each ``Set-Cookie``."""
    found: dict[str, str] = {}
    for line in lines:
        found |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
    return found


class PageProbe:
    """Opens the page again and again, each time as somebody who was never there before."""

    def __init__(self, chromium: Chromium, base_url: str, page: Page, environment: Mapping[str, str]) -> None:
        self._chromium = chromium
        self._base_url = base_url
        self._page = page
        self._environment = environment
        self._visitor: Visitor | None = None

    def open(self) -> Seen:
        """Open the page once. Raises SignInFailed and what ``Chromium.open`` raises."""
        visitor = self._visitor or sign_in(self._base_url, self._page, self._environment)
        seen = self._chromium.open(
            self._base_url + visitor.path,
            headers={PROBE_HEADER: BROWSER_PROBE},
            cookies=visitor.cookies,
            patience_seconds=PATIENCE_SECONDS,
        )
        # Whoever is no longer known signs in again the next time.
        self._visitor = None if seen.status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN) else visitor
        return seen
