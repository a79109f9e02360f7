"""One keep-alive HTTP/1.1 connection: llhttp reads the responses, with one parser for the connection's whole life.

The parser calls Python once for a response and appends its body to a list by itself; header fields are left in the
bytes of the head, which hardly anybody reads.
"""

from __future__ import annotations

import math
import ssl
import time
from typing import Any

import httptools

from harness.errors import GeneratorError
from harness.loadgen.http_body import Body, Part
from harness.loadgen.http_response import MAX_BODY_BYTES, Headers, Response
from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError, TimedOut
from harness.loadgen.wire import RECEIVED, Wire

MAX_HEAD_BYTES = 64 * 1024
_MOST_INTERIM = 20
"""Responses 1xx before the real one."""

_LOOK_AFTER_SECONDS = 0.2
"""A connection idle for longer is looked at before use: its end may have come in the same turn of the event loop as
the end of the pause."""

_CONTINUE_SECONDS = 1.0
"""For the server's 100; then the body is sent without it (RFC 9110 §10.1.1)."""

_monotonic = time.monotonic
_END_OF_HEAD = b"\r\n\r\n"
_KEPT_BEHIND_HEAD_BYTES = 1024


class HttpConnection(Wire):
    """Opened when first needed, and again after the server closed it between two requests.

    reused: the last request went out on a connection that had served others before. answered: something came back to
    it. Both tell whether the request may safely be sent again.
    """

    __slots__ = (
        "_complete",
        "_context",
        "_head",
        "_headed",
        "_headless",
        "_idle_since",
        "_interim",
        "_keep",
        "_most",
        "_parser",
        "_parts",
        "_total",
        "answered",
        "on_body",
        "reused",
    )

    def __init__(self, origin: Origin, context: ssl.SSLContext | None = None) -> None:
        super().__init__(origin)
        self._context = context
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # called by the parser: no Python function in between
        self._parser: Any = None
        self._idle_since = 0.0
        self._head = b""
        self._headed = self._complete = self._headless = self._keep = self.reused = self.answered = False
        self._total = self._interim = 0
        self._most: float = MAX_BODY_BYTES

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self._headed = self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """Called by the parser. Only now does it know whether the connection can be kept."""
        if self._headed:
            self._complete = True
            self._keep = self._parser.should_keep_alive()
        else:
            self._interim += 1

    def exchange(
        self,
        head: bytes,
        body: Body | None,
        response: Response,
        deadline: float,
        connect_deadline: float = math.inf,
        *,
        headless: bool = False,
        expects: bool = False,
        stream: bool = False,
    ) -> None:
        """Send a request and fill in the response. Raises one of ``FAILURES``; the connection is then closed.

        head: with the body, when that is small (``body`` is then None). deadline: for everything, CLOCK_MONOTONIC in
        seconds. headless: the request is HEAD, so no body follows. expects: wait for the server's 100 before the body.
        stream: return as soon as the head is there; ``read_on`` then gives the body.
        """
        if self.busy:
            self.abandon()
        self.answered = self._headed = self._complete = self._keep = False
        self._headless = headless
        self._head = b""
        self._total = self._interim = 0
        self._most = math.inf if stream else MAX_BODY_BYTES
        self.busy = whole = True
        try:
            if self._sock is not None and _monotonic() - self._idle_since > _LOOK_AFTER_SECONDS and self.has_ended():
                self.close()
            self.reused = self._sock is not None
            if not self.reused:
                self.deadline = min(deadline, connect_deadline)
                self.open(self._context)
                self._parser = httptools.HttpResponseParser(self)
            elif self._parser is None:
                self._parser = httptools.HttpResponseParser(self)
            self.deadline = deadline
            sent = self._send(head)
            if sent != len(head):
                whole = self._push(memoryview(head)[sent:])
            if body is not None and whole:
                whole = self._send_body(body, expects)
            while not self._complete:
                self._take(self.receive())
                if stream and self._headed and not self._complete:
                    self._fill(response)
                    return
            self._fill(response)
            self._finish(keep=whole and self._keep)
        except BaseException:
            self._finish(keep=False)
            raise

    def read_on(self, deadline: float) -> bytes:
        """More of a streamed body, not yet decoded; empty at its end. Raises one of ``FAILURES``."""
        if not self.busy:
            return b""
        try:
            self.deadline = deadline
            while not self._parts:
                if self._complete:
                    self._finish(keep=self._keep)
                    return b""
                self._take(self.receive())
        except BaseException:
            self._finish(keep=False)
            raise
        data = b"".join(self._parts)
        self._parts.clear()
        return data

    def abandon(self) -> None:
        """Nobody reads the rest of a streamed body."""
        if self.busy:
            self._finish(keep=False)

    def _fill(self, response: Response) -> None:
        parts = self._parts
        response.status = self._parser.get_status_code()
        head = self._head
        if head[:1] != b"H":
            head = head.lstrip(b"\r\n")  # as the parser does
        if len(head) > _KEPT_BEHIND_HEAD_BYTES:
            head = head[: head.find(_END_OF_HEAD) + 4]
        response.head = head
        if not self._complete:
            return  # streamed
        if len(parts) == 1:
            response.body = parts[0]
        elif parts:
            response.body = b"".join(parts)
        parts.clear()

    def _finish(self, *, keep: bool) -> None:
        self.busy = False
        self._head = b""
        if keep:
            self._idle_since = _monotonic()
            if self._headless:
                self._parser = None  # it may wait for a body that does not come
        else:
            self._parts.clear()
            self._parser = None
            self.close()

    # Receiving.

    def _take(self, count: int) -> None:
        """Parse what was received; nothing is the end."""
        if not count:
            self._end()
            return
        self.answered = True
        chunk = RECEIVED[:count]
        if not self._headed:
            self._head += chunk
        self._parser.feed_data(chunk)
        if self._interim:
            self._forget_interim()
        if self._complete:
            return
        self._total += count
        if not self._headed:
            if len(self._head) > MAX_HEAD_BYTES:
                raise ProtocolError("the response's head has no end")
        elif self._headless:
            self._end_headless()
        elif self._total > self._most:
            raise ProtocolError("the response is too large")

    def _end_headless(self) -> None:
        if self._parts:
            raise ProtocolError("a body in answer to HEAD")
        self._complete = True
        self._keep = self._parser.should_keep_alive()

    def _forget_interim(self) -> None:
        """The heads of responses 1xx: the real one follows them."""
        head = self._head.lstrip(b"\r\n")
        while head[9:10] == b"1" and (end := head.find(_END_OF_HEAD)) >= 0:
            head = head[end + 4 :].lstrip(b"\r\n")
        self._head = head
        if self._interim > _MOST_INTERIM:
            raise ProtocolError("interim responses without end")

    def _end(self) -> None:
        """The server has closed: that ends a body without a length, and breaks off anything else."""
        if self._headed:
            headers = Headers(self._head.lstrip(b"\r\n"))
            coding = headers.get("transfer-encoding", "").lower()
            if "content-length" not in headers and not coding.endswith("chunked"):
                self._complete = True
                return
        raise ConnectionEnded

    # Sending.

    def _send(self, data: bytes | memoryview) -> int:
        """Raises what ``send_some`` raises, unless the server has answered before it hung up."""
        try:
            return self.send_some(data)
        except (BrokenPipeError, ConnectionResetError):
            if self._has_last_words():
                return 0
            raise

    def _has_last_words(self) -> bool:
        try:
            while not self._complete and (count := self.receive_now()) > 0:
                self._take(count)
        except OSError:
            pass
        return self._complete

    def _push(self, rest: memoryview) -> bool:
        """Send the rest as there is room; False when the whole answer came before that."""
        while rest:
            if self._complete:
                return False
            if self._wait_writable() and (count := self.receive_now()) >= 0:
                self._take(count)
                continue
            rest = rest[self._send(rest) :]
        return True

    def _send_part(self, part: Part) -> bool:
        sent = self._send(part)
        return sent == len(part) or self._push(memoryview(part)[sent:])

    def _send_body(self, body: Body, expects: bool) -> bool:
        """All of it; False when the server had answered before that."""
        if expects and self._is_refused():
            return False
        left = body.length
        for part in body.parts():
            if not part:
                continue
            if left is None:
                part = b"%x\r\n%b\r\n" % (len(part), bytes(part))  # noqa: PLW2901
            else:
                left -= len(part)
                if left < 0:
                    break
            if not self._send_part(part):
                return False
        if left:
            raise GeneratorError(
                f"the request's body is not of the announced length ({body.length} bytes)",
                self.origin.host_header,
                "a file that is sent must not change meanwhile",
            )
        return left is not None or self._send_part(b"0\r\n\r\n")

    def _is_refused(self) -> bool:
        """Wait a moment for the server's 100; whether it gave its final answer instead."""
        deadline = self.deadline
        self.deadline = min(deadline, _monotonic() + _CONTINUE_SECONDS)
        try:
            while not self._interim and not self._complete:
                self._take(self.receive())
        except TimedOut:
            if deadline <= _monotonic():
                raise
        self.deadline = deadline
        return self._complete
