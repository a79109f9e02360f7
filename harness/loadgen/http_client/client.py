"""What a browser adds to a connection: header fields, cookies, redirects, and a second try where that is safe.

Nothing is recorded here. A request on a connection that the server closed in that very moment is sent again, once,
when it is idempotent (RFC 9110 §9.2.2), its connection had served others before, and not a byte came back: a server
may close an idle connection at any time. Each is counted. Everything else is a failure, and told.
"""

from __future__ import annotations

import math
import re
import ssl
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from urllib.parse import quote, urljoin, urlsplit

from harness.errors import ConfigError
from harness.loadgen.http_client.body import Body
from harness.loadgen.http_client.connection import HttpConnection
from harness.loadgen.http_client.cookies import CookieJar
from harness.loadgen.http_client.response import Response, accepted_codings
from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError

USER_AGENT = "proofload-generator"
REDIRECTS = frozenset((301, 302, 303, 307, 308))
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))

_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00\r\n]*")
_QUOTED_SAFE = "%/:=&?~#+!$,;'@()*[]|"

_monotonic = time.monotonic


class RedirectRefused(ProtocolError):
    """The server sends us to another host, which nobody has allowed to be loaded."""


class TooManyRedirects(ProtocolError):
    """The server sends us on and on."""


class Retries:
    """Requests that were sent a second time, in this process since its start."""

    count = 0


@lru_cache(maxsize=4096)
def request_target(path: str) -> str:
    """A path and query as a request line can carry them: anything else percent-encoded, no fragment."""
    path = path.partition("#")[0]
    if not path.startswith("/"):
        path = "/" + path
    return path if _TARGET.fullmatch(path) else quote(path, safe=_QUOTED_SAFE)


@lru_cache(maxsize=1024)
def header_block(host: str, standing: tuple[tuple[str, str], ...], more: tuple[tuple[str, str], ...]) -> str:
    """Header fields as lines; ``more`` replaces what stands by the same name.

    Raises ConfigError for what no header can carry.
    """
    fields = {"host": ("Host", host)}
    for name, value in (*standing, *more):
        text = str(value)
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text) or not _is_latin(text):
            raise ConfigError("a header that HTTP cannot carry", repr(name), "no line breaks, ISO 8859-1 only")
        fields[name.lower()] = (name, text)
    return "".join(f"{name}: {value}\r\n" for name, value in fields.values())


def _is_latin(text: str) -> bool:
    return text.isascii() or all(ord(letter) < 256 for letter in text)


class HttpClient:
    """One browser: its connections (one to an origin) and its cookies.

    standing: header fields of every request. other_hosts: whether redirects may leave the origin.
    Times in seconds; timeout_seconds is for a whole request, from its start to the last byte of the response.
    """

    __slots__ = (
        "_block",
        "_block_of",
        "_connection",
        "_cookies",
        "_others",
        "_standing",
        "_tls",
        "connect_seconds",
        "origin",
        "other_hosts",
        "timeout_seconds",
    )

    def __init__(
        self,
        origin: Origin,
        timeout_seconds: float,
        *,
        connect_seconds: float = math.inf,
        standing: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        other_hosts: bool = False,
    ) -> None:
        self._connection: HttpConnection | None = None
        self._others: dict[Origin, HttpConnection] | None = None
        self.origin = origin
        self.timeout_seconds = timeout_seconds
        self.connect_seconds = connect_seconds
        self.other_hosts = other_hosts
        self._cookies: CookieJar | None = None
        self._standing = _standing(tuple(standing.items())) if standing else _usual()
        self._tls = tls
        self._block = ""
        self._block_of: tuple[tuple[str, str], ...] | None = None

    def __del__(self) -> None:
        self.close()  # an open connection is held by the event loop: nobody else would close it

    @property
    def cookies(self) -> CookieJar:
        """Those of this browser."""
        if self._cookies is None:
            self._cookies = CookieJar()
        return self._cookies

    def close(self) -> None:
        """Hang up. Another request connects anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._others:
            for connection in self._others.values():
                connection.close()
            self._others = None

    def send(
        self,
        method: str,
        path: str,
        response: Response,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        body: Body | None = None,
        redirects: int = 0,
        timeout_seconds: float = 0.0,
        origin: Origin | None = None,
        stream: bool = False,
    ) -> HttpConnection:
        """Send a request and fill in the response, decoded; the connection that it came on.

        Up to so many ``redirects`` are followed; with 0 a redirect is a response like any other. Raises one of
        ``FAILURES``; GeneratorError when the body cannot be sent, ConfigError for a header that cannot be.
        """
        now = _monotonic()
        deadline = now + (timeout_seconds or self.timeout_seconds)
        home = self.origin
        if origin is None:
            origin = home
        left = redirects
        while True:
            connection = self._connection if origin is home else self._to(origin)
            if connection is None:
                connection = self._connection = HttpConnection(origin, self._tls)
            head, rest, expects = self._head(origin, method, request_target(path), headers, body)
            connect_by = now + self.connect_seconds
            head_only = method == "HEAD"
            try:
                connection.exchange(
                    head,
                    rest,
                    response,
                    deadline,
                    connect_by,
                    now=now,
                    headless=head_only,
                    expects=expects,
                    stream=stream,
                )
            except (ConnectionEnded, ConnectionResetError, BrokenPipeError):
                again = connection.reused and not connection.answered and method in _IDEMPOTENT
                if not again or (rest is not None and not rest.replayable):
                    raise
                Retries.count += 1
                connection.exchange(
                    head, rest, response, deadline, now=now, headless=head_only, expects=expects, stream=stream
                )
            if response.plain:
                return connection
            for line in response.headers.all("set-cookie"):
                self.cookies.take(line, origin.host, path)
            if not (redirects and response.status in REDIRECTS and "location" in response.headers):
                if not stream and response.body:
                    response.undo_coding()
                return connection
            if not left:
                raise TooManyRedirects(f"more than {redirects} redirects")
            left -= 1
            origin, path, method, headers, body = self._onward(origin, path, method, headers, body, response)
            if stream:
                connection.abandon()
            response.clear()

    def _onward(  # noqa: PLR0917
        self,
        origin: Origin,
        path: str,
        method: str,
        headers: tuple[tuple[str, str], ...],
        body: Body | None,
        response: Response,
    ) -> tuple[Origin, str, str, tuple[tuple[str, str], ...], Body | None]:
        """The request that a redirect makes of one."""
        before = origin
        origin, path = self._redirected(origin, path, response.headers["location"])
        if response.status == 303 or (response.status in (301, 302) and method not in ("GET", "HEAD")):
            method, body = "GET" if method != "HEAD" else "HEAD", None
            headers = tuple(pair for pair in headers if not pair[0].lower().startswith("content-"))
        if origin != before:  # what was meant for the one is not the other's business
            headers = tuple(pair for pair in headers if pair[0].lower() not in ("authorization", "cookie"))
        if body is not None and not body.replayable:
            raise ProtocolError("a redirect of a request whose body can be read only once")
        return origin, path, method, headers, body

    def _head(
        self, origin: Origin, method: str, target: str, headers: tuple[tuple[str, str], ...], body: Body | None
    ) -> tuple[bytes, Body | None, bool]:
        """The head of a request, with the body when that is small, else the body; whether to wait for the server's
        100 before it."""
        if origin is not self.origin:
            block = header_block(origin.host_header, self._standing, headers)
        elif headers == self._block_of:
            block = self._block
        else:
            block = self._block = header_block(origin.host_header, self._standing, headers)
            self._block_of = headers
        if self._cookies and (value := self._cookies.header(origin.host, target, secure=origin.scheme == "https")):
            block += f"Cookie: {value}\r\n"
        if body is None:
            length = "Content-Length: 0\r\n" if method in _WITH_BODY else ""
            return f"{method} {target} HTTP/1.1\r\n{block}{length}\r\n".encode("latin-1"), None, False
        length = "Transfer-Encoding: chunked" if body.length is None else f"Content-Length: {body.length}"
        if body.content_type and not (headers and any(name.lower() == "content-type" for name, _ in headers)):
            length += f"\r\nContent-Type: {body.content_type}"
        expects = bool(headers) and any(
            name.lower() == "expect" and value.lower() == "100-continue" for name, value in headers
        )
        head = f"{method} {target} HTTP/1.1\r\n{block}{length}\r\n\r\n".encode("latin-1")
        return (head, body, expects) if body.small is None or expects else (head + body.small, None, False)

    def _to(self, origin: Origin) -> HttpConnection | None:
        if origin == self.origin:
            return self._connection
        if self._others is None:
            self._others = {}
        connection = self._others.get(origin)
        if connection is None:
            connection = self._others[origin] = HttpConnection(origin, self._tls)
        return connection

    def _redirected(self, origin: Origin, path: str, location: str) -> tuple[Origin, str]:
        if not self.other_hosts and not origin.holds(location):
            raise RedirectRefused("redirect to another host")
        try:
            parts = urlsplit(urljoin(f"{origin.scheme}://{origin.host_header}{path}", location))
            target = Origin.parse(f"{parts.scheme}://{parts.netloc}")
        except (ConfigError, ValueError) as error:
            raise ProtocolError("a redirect to no address") from error
        # The origin itself, not its equal: it has looked up its addresses.
        known = next((one for one in (origin, self.origin) if one == target), target)
        return known, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@cache
def _usual() -> tuple[tuple[str, str], ...]:
    return _standing(())


@lru_cache(maxsize=256)
def _standing(more: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    usual = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": accepted_codings()}
    for name, value in more:
        for other in [key for key in usual if key.lower() == name.lower()]:
            del usual[other]
        usual[name] = value
    return tuple(usual.items())
