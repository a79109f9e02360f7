"""A browser's cookies, as far as servers under load need them (RFC 6265): by host, path, age and ``Secure``.

Not http.cookiejar: it takes 10 µs of every request to look whether there are any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

_MOST_COOKIES = 300
"""A server that sets more of them is not remembered further."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """domain: without a leading dot. host_only: not for hosts below it. expires: epoch seconds; None at the end."""

    name: str
    value: str
    domain: str
    path: str
    secure: bool
    host_only: bool
    expires: float | None


class CookieJar:
    """Empty at first. clock: seconds since the epoch."""

    __slots__ = ("_clock", "_cookies")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def __bool__(self) -> bool:
        return bool(self._cookies)

    def __len__(self) -> int:
        return len(self._cookies)

    def __iter__(self) -> Iterator[Cookie]:
        return iter(tuple(self._cookies.values()))

    def clear(self) -> None:
        """Forget all."""
        self._cookies.clear()

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the first cookie of that name."""
        return next((cookie.value for cookie in self._cookies.values() if cookie.name == name), default)

    def set(self, name: str, value: str, *, domain: str, path: str = "/") -> None:
        """Set one by hand, for that host and those below it. Raises ValueError for what no header can carry."""
        if any(ch in "\r\n;\0" for ch in name + value):
            raise ValueError("a cookie cannot have a line break or a semicolon")
        self._cookies[domain, path, name] = Cookie(name, value, domain, path, False, False, None)

    def take(self, line: str, host: str, path: str) -> None:
        """Keep what a ``Set-Cookie`` field of that host's response to a request for that path says."""
        pair, *attributes = line.split(";")
        name, separator, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if not separator or not name:
            return
        said = {key.strip().lower(): text.strip() for key, _, text in (one.partition("=") for one in attributes)}
        host = host.lower()
        domain = said.get("domain", "").lstrip(".").lower()
        if domain and not _below(host, domain):
            return
        where = said.get("path", "")
        if not where.startswith("/"):
            where = path.partition("?")[0].rpartition("/")[0] or "/"
        expires = self._expiry(said)
        key = (domain or host, where, name)
        if expires is not None and expires <= self._clock():
            self._cookies.pop(key, None)
        elif key in self._cookies or len(self._cookies) < _MOST_COOKIES:
            host_only = not domain or _is_address(host)
            self._cookies[key] = Cookie(name, value, domain or host, where, "secure" in said, host_only, expires)

    def _expiry(self, said: dict[str, str]) -> float | None:
        try:
            if "max-age" in said:
                return self._clock() + int(said["max-age"]) if int(said["max-age"]) > 0 else 0.0
            return parsedate_to_datetime(said["expires"]).timestamp() if "expires" in said else None
        except (ValueError, OverflowError):
            return None

    def header(self, host: str, path: str, *, secure: bool) -> str:
        """The value of the ``Cookie`` field for a request, empty without any; longer paths first."""
        host, path = host.lower(), path.partition("?")[0]
        now: float | None = None
        fitting = []
        for cookie in tuple(self._cookies.values()):
            if cookie.expires is not None:
                now = self._clock() if now is None else now
                if cookie.expires <= now:
                    del self._cookies[cookie.domain, cookie.path, cookie.name]
                    continue
            if cookie.secure and not secure:
                continue
            if host != cookie.domain and (cookie.host_only or not _below(host, cookie.domain)):
                continue
            if _covers(cookie.path, path):
                fitting.append(cookie)
        fitting.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in fitting)


def _below(host: str, domain: str) -> bool:
    return host == domain or (host.endswith("." + domain) and not _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _covers(cookie_path: str, path: str) -> bool:
    return cookie_path in ("/", path) or path.startswith(cookie_path.rstrip("/") + "/")
