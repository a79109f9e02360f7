"""One keep-alive HTTP/1.1 connection: sends a request, and hands what comes to a reader (reader.py)."""

from __future__ import annotations

import math
import ssl
import time

from harness.errors import GeneratorError
from harness.loadgen.http_client.body import Body, Part
from harness.loadgen.http_client.reader import ResponseReader, give_back, recall, take_reader
from harness.loadgen.http_client.response import MAX_BODY_BYTES, Response
from harness.loadgen.http_client.wire import Wire
from harness.loadgen.net import Origin, TimedOut

_LOOK_AFTER_SECONDS = 0.2
"""A connection idle for longer is looked at before use: its end may have come in the same turn of the event loop as
the end of the pause."""

_CONTINUE_SECONDS = 1.0
"""For the server's 100; then the body is sent without it (RFC 9110 §10.1.1)."""

_monotonic = time.monotonic


class HttpConnection(Wire):
    """Opened when first needed, and again after the server closed it between two requests.

    reused: the last request went out on a connection that had served others before. answered: something came back to
    it. Both tell whether the request may safely be sent again.
    """

    __slots__ = ("_context", "_headless", "_reader", "_streamed", "answered", "reused")

    def __init__(self, origin: Origin, context: ssl.SSLContext | None = None) -> None:
        super().__init__(origin)
        self._context = context
        self._reader: ResponseReader | None = None
        self._headless = self._streamed = self.reused = self.answered = False

    def exchange(
        self,
        head: bytes,
        body: Body | None,
        response: Response,
        deadline: float,
        connect_deadline: float = math.inf,
        *,
        now: float,
        headless: bool = False,
        expects: bool = False,
        stream: bool = False,
    ) -> None:
        """Send a request and fill in the response. Raises one of ``FAILURES``; the connection is then closed.

        head: with the body, when that is small (``body`` is then None). deadline: for everything; it and ``now`` in
        seconds of CLOCK_MONOTONIC. headless: the request is HEAD, so no body follows. expects: wait for the server's
        100 before the body. stream: return as soon as the head is there; ``read_on`` then gives the body.
        """
        if self.busy:
            self.abandon()
        self.answered = False
        self._headless, self._streamed = headless, stream
        self.busy = whole = True
        try:
            if self._sock is not None and now - self.received_at / 1e9 > _LOOK_AFTER_SECONDS and self.has_ended():
                self.close()
            self.reused = self._sock is not None
            if not self.reused:
                self.deadline = min(deadline, connect_deadline)
                self.open(self._context)
            self.deadline = deadline
            sent = self._send(head)
            if sent != len(head):
                whole = self._push(memoryview(head)[sent:])
            if body is not None and whole:
                whole = self._send_body(body, expects)
            if self._reader is None:
                data = self.receive()
                if not headless and not stream and (keep := recall(data, response)) is not None:
                    self._finish(keep=whole and keep)
                    return
                self._take(data)
            reader = self._reader
            assert reader is not None
            while not reader.complete:
                if stream and reader.headed:
                    reader.fill(response)
                    return
                self._take(self.receive())
            reader.fill(response)
            self._finish(keep=whole and reader.keep)
        except BaseException:
            self._finish(keep=False)
            raise

    def read_on(self, deadline: float) -> bytes:
        """More of a streamed body, not yet decoded; empty at its end. Raises one of ``FAILURES``."""
        reader = self._reader
        if not self.busy or reader is None:
            return b""
        try:
            self.deadline = deadline
            while not (data := reader.take_body()):
                if reader.complete:
                    self._finish(keep=reader.keep)
                    return b""
                self._take(self.receive())
        except BaseException:
            self._finish(keep=False)
            raise
        return data

    def abandon(self) -> None:
        """Nobody reads the rest of a streamed body."""
        if self.busy:
            self._finish(keep=False)

    def _finish(self, *, keep: bool) -> None:
        self.busy = False
        reader = self._reader
        if reader is not None:
            self._reader = None
            give_back(reader, good=keep and not self._headless)  # after HEAD it may wait for a body that does not come
        if not keep:
            self.close()

    def _take(self, data: bytes) -> None:
        """Parse what was received; nothing is the end."""
        reader = self._reader
        if reader is None:
            most = math.inf if self._streamed else MAX_BODY_BYTES
            reader = self._reader = take_reader(headless=self._headless, most=most)
        if data:
            self.answered = True
        reader.feed(data)

    @property
    def _is_answered(self) -> bool:
        return self._reader is not None and self._reader.complete

    # Sending.

    def _send(self, data: bytes | memoryview) -> int:
        """Raises what ``send_some`` raises, unless the server has answered before it hung up."""
        try:
            return self._sock.send(data) if self._tls is None else self.send_some(data)
        except BlockingIOError:
            return 0
        except (BrokenPipeError, ConnectionResetError):
            if self._has_last_words():
                return 0
            raise

    def _has_last_words(self) -> bool:
        try:
            while not self._is_answered and (data := self.receive_now()):
                self._take(data)
        except OSError:
            pass
        return self._is_answered

    def _push(self, rest: memoryview) -> bool:
        """Send the rest as there is room; False when the whole answer came before that."""
        while rest:
            if self._is_answered:
                return False
            if self._wait_writable() and (data := self.receive_now()) is not None:
                self._take(data)
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
            while self._reader is None or not (self._reader.interim or self._reader.complete):
                self._take(self.receive())
        except TimedOut:
            if deadline <= _monotonic():
                raise
        self.deadline = deadline
        return self._is_answered
