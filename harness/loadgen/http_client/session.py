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

from harness.errors import ConfigError
from harness.loadgen.http_client.body import Body, multipart, of_data, of_json
from harness.loadgen.http_client.client import HttpClient
from harness.loadgen.http_client.cookies import CookieJar
from harness.loadgen.http_client.response import decoder_of
from harness.loadgen.http_client.session_response import BadStatus, SessionResponse
from harness.loadgen.net import FAILURES, ConnectionEnded, Origin, TimedOut

_monotonic = time.monotonic


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
        if json is not None and not data and not files and not any(key.lower() == "accept" for key, _ in pairs):
            pairs = (*pairs, ("Accept", "application/json"))
        response = self.response_class(method, f"{self.base_url}{url}" if origin is None else url)
        start_time = time.time()
        self._perform(
            response,
            method,
            path,
            headers=pairs,
            body=_body_of(data, json, files),
            redirects=self.max_redirects if allow_redirects else 0,
            timeout_seconds=_seconds(timeout),
            origin=origin,
            stream=stream,
        )
        if response.error is None and response.status >= 400:
            response.error = BadStatus(f"HTTP {response.status}")
        own = {} if self._context is None else self._context()
        response.request_meta = {
            "request_type": method,
            "name": name or self.request_name or url,
            "context": {**own, **context} if context else own,
            "response": response,
            "exception": response.error,
            "start_time": start_time,
            "url": response.url,
            "response_length": _announced(response) if stream else len(response.body),
            "response_time": (response.ended - response.began) * 1000,
        }
        if catch_response:
            response.report_by(self._report, self._drop)
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
            response.ended = max(response.began, connection.received_at / 1e9)
            if connection.busy:
                seconds = options["timeout_seconds"] or self._client.timeout_seconds
                response.stream(connection, seconds, decoder_of(response.headers))
        except FAILURES as error:
            response.error = _told(error)
            response.status = 0
            response.ended = _monotonic()

    def _report(self, response: SessionResponse) -> None:
        self._fire(**response.request_meta)

    def _drop(self, response: SessionResponse, error: BaseException) -> None:
        """A with-block raised: the request is not reported, as under Locust."""

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


def _body_of(data: Any, json: Any, files: Any) -> Body | None:
    if files:
        return multipart(files, data)
    if data:
        return of_data(data)
    return None if json is None else of_json(json)


def _query(params: Any) -> str:
    if isinstance(params, str | bytes):
        return params if isinstance(params, str) else params.decode()
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode([pair for pair in pairs if pair[1] is not None], doseq=True)


def _announced(response: SessionResponse) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _seconds(timeout: float | tuple[float, float] | None) -> float:
    """0 for the usual. A pair is of connecting and reading, as in requests: here they share their sum."""
    if timeout is None:
        return 0.0
    seconds = math.fsum(timeout) if isinstance(timeout, tuple) else float(timeout)
    if not 0 < seconds < math.inf:
        raise ConfigError("a timeout that is no positive number of seconds", repr(timeout))
    return seconds


def _told(error: Exception) -> Exception:
    """With a text: Locust's statistics are by it, and an error without one says nothing there."""
    texts = {TimedOut: "timeout", ConnectionEnded: "connection closed"}
    if str(error):
        return error
    return type(error)(texts.get(type(error), type(error).__name__))
