"""A response as Locust's users know it: a FastResponse, and with ``catch_response`` a context manager."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from locust.exception import CatchResponseError, LocustError, ResponseError

from harness.loadgen.http_client.connection import HttpConnection
from harness.loadgen.http_client.response import Decoder, Response

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
        "_drop",
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
        self._drop: Callable[[SessionResponse, BaseException], None] | None = None
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

    def stream(self, connection: HttpConnection, timeout_seconds: float, decoder: Decoder | None) -> None:
        """The body is still to be read, from that connection."""
        self._connection, self._timeout, self._decoder = connection, timeout_seconds, decoder

    def report_by(
        self, report: Callable[[SessionResponse], None], drop: Callable[[SessionResponse, BaseException], None]
    ) -> None:
        """At the end of a with-block; ``drop`` when it raised, which Locust reports as an exception of the task."""
        self._catch, self._report, self._drop = True, report, drop

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
            assert self._drop is not None and value is not None
            self._drop(self, value)
            return False
        else:
            self.request_meta["exception"] = self.error
        assert self._report is not None
        self._report(self)
        return kind is None or self._outcome is None


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""
