"""``self.client`` as Locust's FastHttpSession has it, on this package's own connections.

What stands there is what Locust's documentation says of ``FastHttpUser``; docs/locustfiles.md has the few differences.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from locust.exception import CatchResponseError, LocustError, ResponseError

from harness.errors import ConfigError
from harness.loadgen.http_body import Body, multipart, of_data, of_json
from harness.loadgen.http_client import HttpClient
from harness.loadgen.http_connection import HttpConnection
from harness.loadgen.http_cookies import CookieJar
from harness.loadgen.http_response import Response, decoder_of
from harness.loadgen.net import FAILURES, ConnectionEnded, Origin, TimedOut

_NEEDS_CATCH = "pass catch_response=True and use a with-block to say whether the request was good"
_monotonic = time.monotonic


class BadStatus(ResponseError):
    """The server answered with 400 or more."""


class SessionResponse(Response):
    """What a request of a ``Session`` returns; with ``catch_response`` a context manager, too.

    status_code: 0 when there is no response; ``error`` then says why. request_meta: what Locust's event will get.
    began, ended, intended: CLOCK_MONOTONIC in seconds. meter: the reading of a flow's meter at the start.
    """

    __slots__ = (
        "__weakref__",
        "_catch",
        "_connection",
        "_decoder",
        "_entered",
        "_outcome",
        "_report",
        "_timeout",
        "began",
        "encoding",
        "ended",
        "error",
        "intended",
        "js",
        "meter",
        "method",
        "request_meta",
        "url",
    )

    def __init__(self, method: str, url: str) -> None:
        super().__init__()
        self.method = method
        self.url = url
        self.error: Exception | None = None
        self.encoding: str | None = None
        self.js: Any = None
        self.began = self.ended = self.intended = 0.0
        self.meter = 0
        self.request_meta: dict[str, Any] = {}
        self._report: Callable[[SessionResponse], None] | None = None
        self._catch = self._entered = False
        self._outcome: bool | Exception | None = None
        self._connection: HttpConnection | None = None
        self._decoder: Any = None
        self._timeout = 0.0

    @property
    def status_code(self) -> int:
        """0 without a response."""
        return self.status

    @property
    def ok(self) -> bool:
        """A response below 400."""
        return 0 < self.status < 400

    @property
    def content(self) -> bytes | None:
        """The body, of a streamed response its rest; None without a response."""
        if self._connection is not None:
            self.body = b"".join(self.iter_content(decode_content=False))
        return self.body if self.status else None

    @property
    def text(self) -> str | None:
        """The body as text, by ``encoding``, else by its Content-Type, else as UTF-8."""
        content = self.content
        if content is None:
            return None
        encoding = self.encoding or _charset(self.headers.get("content-type", "")) or "utf-8"
        try:
            return content.decode(encoding, errors="replace")
        except LookupError:
            return content.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises json.JSONDecodeError."""
        if self._connection is not None:
            self.body = self.content or b""
        return self.decoded_json()

    def raise_for_status(self) -> None:
        """Raise why there is no good response, if so."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        if self._outcome is None and self.error is not None:
            raise self.error

    def iter_content(self, chunk_size: int = 1024, decode_content: bool = True) -> Iterator[Any]:
        """The body piece by piece, as it comes when it is streamed; as text where it is UTF-8 and ``decode_content``.

        Raises one of ``FAILURES`` when it breaks off.
        """
        for data in self._pieces() if self._connection is not None else (self.body,):
            for start in range(0, len(data), chunk_size):
                piece = data[start : start + chunk_size]
                try:
                    yield piece.decode() if decode_content else piece
                except UnicodeDecodeError:
                    yield piece

    def _pieces(self) -> Iterator[bytes]:
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            while data := connection.read_on(_monotonic() + self._timeout):
                yield data if self._decoder is None else self._decoder.feed(data)
            if self._decoder is not None:
                self._decoder.end()
        finally:
            connection.abandon()

    def close(self) -> None:
        """Leave the rest of a streamed body unread."""
        if self._connection is not None:
            self._connection.abandon()
            self._connection = None

    # with ..., catch_response=True as response

    def success(self) -> None:
        """The request was good, whatever its status. Raises LocustError outside of a with-block."""
        if not self._entered:
            raise LocustError(_NEEDS_CATCH)
        self._outcome = True

    def failure(self, exc: object) -> None:
        """The request was bad, whatever its status. Raises LocustError outside of a with-block."""
        if not self._entered:
            raise LocustError(_NEEDS_CATCH)
        self._outcome = exc if isinstance(exc, Exception) else CatchResponseError(exc)

    def __enter__(self) -> SessionResponse:
        if not self._catch:
            raise LocustError(_NEEDS_CATCH)
        self._entered = True
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: object) -> bool:
        if self._outcome is not None:
            self.request_meta["exception"] = None if self._outcome is True else self._outcome
        elif isinstance(value, ResponseError):
            self.request_meta["exception"] = value
        elif kind is not None:
            self._not_reported(value)
            return False
        else:
            self.request_meta["exception"] = self.error
        assert self._report is not None
        self._report(self)
        return kind is None or self._outcome is None

    def _not_reported(self, value: BaseException | None) -> None:
        """The with-block raised something else: Locust reports the exception, not the request."""


class Session:
    """Requests of one person. fire: Locust's ``events.request.fire``, or what takes the same arguments.

    context: what each request's ``context`` begins with (Locust's ``User.context``).
    """

    response_class: type[SessionResponse] = SessionResponse

    __slots__ = ("_auth", "_client", "_context", "_fire", "_prefix", "base_url", "max_redirects", "request_name")

    def __init__(
        self,
        base_url: str,
        client: HttpClient,
        fire: Callable[..., None],
        *,
        context: Callable[[], Mapping[str, Any]] | None = None,
        max_redirects: int = 30,
    ) -> None:
        parts = urlsplit(base_url)
        self._client = client
        self._prefix = parts.path.rstrip("/")
        self._auth: tuple[tuple[str, str], ...] = ()
        if parts.username:
            self._auth = (("Authorization", basic_auth(unquote(parts.username), unquote(parts.password or ""))),)
        self.base_url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{self._prefix}"
        self._fire = fire
        self._context = context
        self.max_redirects = max_redirects
        self.request_name: str | None = None

    @property
    def cookiejar(self) -> CookieJar:
        """The person's cookies."""
        return self._client.cookies

    def close(self) -> None:
        """Hang up; the next request connects anew."""
        self._client.close()

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Give the requests of the with-block that name."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def get(self, url: str, **kwargs: Any) -> SessionResponse:
        """``request`` with GET."""
        return self.request("GET", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> SessionResponse:
        """``request`` with HEAD."""
        return self.request("HEAD", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> SessionResponse:
        """``request`` with OPTIONS."""
        return self.request("OPTIONS", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> SessionResponse:
        """``request`` with DELETE."""
        return self.request("DELETE", url, **kwargs)

    def post(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> SessionResponse:
        """``request`` with POST."""
        return self.request("POST", url, data=data, json=json, **kwargs)

    def put(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> SessionResponse:
        """``request`` with PUT."""
        return self.request("PUT", url, data=data, json=json, **kwargs)

    def patch(self, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> SessionResponse:
        """``request`` with PATCH."""
        return self.request("PATCH", url, data=data, json=json, **kwargs)

    def iter_lines(self, url: str, method: str = "GET", **kwargs: Any) -> Iterator[str]:
        """The lines of a streamed response. Raises when it is no good one."""
        response = self.request(method, url, stream=True, **kwargs)
        response.raise_for_status()
        rest = b""
        for piece in response.iter_content(64 * 1024, decode_content=False):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", errors="replace")
        if rest:
            yield rest.decode("utf-8", errors="replace")

    def request(  # noqa: PLR0917  # as Locust has it
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,
        stream: bool = False,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str | bytes, str | bytes] | None = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: Mapping[str, Any] | None = None,
        params: Any = None,
        files: Any = None,
        timeout: float | tuple[float, float] | None = None,
        **unknown: Any,
    ) -> SessionResponse:
        """Send a request and report it; its response, which says of itself when it is none.

        name: in the statistics, else the url. data: bytes, text, a form's fields, an open binary file or an iterable
        of bytes. files: as in requests; read while they are sent. timeout: seconds for the whole request, else the
        user's. stream: return once the head is there; the body is then read by ``iter_content``, with the timeout for
        each piece, and is not part of the response time. Raises ConfigError for what no request can be, TypeError for
        what this client does not do.
        """
        if unknown:
            raise TypeError(
                f"{', '.join(unknown)}: not an option of this client; locust.FastHttpUser and locust.HttpUser have more"
            )
        origin, path = (None, self._prefix + url) if url[:1] == "/" else self._locate(url)
        if params:
            path += ("&" if "?" in path else "?") + _query(params)
        pairs = self._own_headers()
        if headers:
            pairs = (*pairs, *headers.items())
        if auth is not None:
            pairs = (*pairs, ("Authorization", basic_auth(*auth)))
        body: Body | None = None
        if files:
            body = multipart(files, data)
        elif data:
            body = of_data(data)
        elif json is not None:
            body = of_json(json)
            if not any(key.lower() == "accept" for key, _ in pairs):
                pairs = (*pairs, ("Accept", "application/json"))
        response = self.response_class(method, f"{self.base_url}{url}" if origin is None else url)
        start_time = time.time()
        self._perform(
            response,
            method,
            path,
            headers=pairs,
            body=body,
            redirects=self.max_redirects if allow_redirects else 0,
            timeout_seconds=_seconds(timeout),
            origin=origin,
            stream=stream,
        )
        if response.error is None and response.status >= 400:
            response.error = BadStatus(f"HTTP {response.status}")
        if stream:
            length = response.headers.get("content-length", "") if response.status else ""
            size = int(length) if length.isdecimal() else 0
        else:
            size = len(response.body)
        own = {} if self._context is None else self._context()
        response.request_meta = {
            "request_type": method,
            "name": name or self.request_name or url,
            "context": {**own, **context} if context else own,
            "response": response,
            "exception": response.error,
            "start_time": start_time,
            "url": response.url,
            "response_length": size,
            "response_time": (response.ended - response.began) * 1000,
        }
        if catch_response:
            response._catch = True
            response._report = self._report
        else:
            self._report(response)
        return response

    def _own_headers(self) -> tuple[tuple[str, str], ...]:
        """Of every request, before its own."""
        return self._auth

    def _perform(self, response: SessionResponse, method: str, path: str, **options: Any) -> None:
        """Send it, and take the two times and what went wrong."""
        response.began = _monotonic()
        try:
            connection = self._client.send(method, path, response, **options)
            if connection.busy:
                self._hand_over(response, connection, options["timeout_seconds"])
        except FAILURES as error:
            response.error = _told(error)
            response.status = 0
        response.ended = _monotonic()

    def _hand_over(self, response: SessionResponse, connection: HttpConnection, timeout_seconds: float) -> None:
        """The rest of a streamed response is its reader's."""
        response._timeout = timeout_seconds or self._client.timeout_seconds
        response._connection = connection
        response._decoder = decoder_of(response.headers)

    def _report(self, response: SessionResponse) -> None:
        self._fire(**response.request_meta)

    def _locate(self, url: str) -> tuple[Origin | None, str]:
        """Where an address that is no plain path leads to. Raises ConfigError."""
        if not url.lower().startswith(("http://", "https://")):
            return None, f"{self._prefix}/{url}" if url else self._prefix or "/"
        origin, path = _parse(url)
        if origin == self._client.origin:
            return self._client.origin, path
        if not self._client.other_hosts:
            raise ConfigError(
                "a request to another host than the one under load",
                url,
                "set other_hosts = True in the user class if that host may be loaded, too",
            )
        return origin, path


@lru_cache(maxsize=1024)
def _parse(url: str) -> tuple[Origin, str]:
    parts = urlsplit(url)
    return Origin.parse(url), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def basic_auth(user: str | bytes, password: str | bytes) -> str:
    """The ``Authorization`` field's value (RFC 7617)."""
    both = b":".join(text.encode("latin-1") if isinstance(text, str) else text for text in (user, password))
    return "Basic " + b64encode(both).decode()


def _query(params: Any) -> str:
    if isinstance(params, str | bytes):
        return params if isinstance(params, str) else params.decode()
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode([pair for pair in pairs if pair[1] is not None], doseq=True)


def _seconds(timeout: float | tuple[float, float] | None) -> float:
    """0 for the usual. A pair is of connecting and reading, as in requests: here they share their sum."""
    if timeout is None:
        return 0.0
    seconds = math.fsum(timeout) if isinstance(timeout, tuple) else float(timeout)
    if not 0 < seconds < math.inf:
        raise ConfigError("a timeout that is no positive number of seconds", repr(timeout))
    return seconds


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""


def _told(error: Exception) -> Exception:
    """With a text: Locust's statistics are by it, and an error without one says nothing there."""
    texts = {TimedOut: "timeout", ConnectionEnded: "connection closed"}
    if str(error):
        return error
    return type(error)(texts.get(type(error), type(error).__name__))
