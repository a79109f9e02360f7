"""Reading one response: by llhttp, and by heart where llhttp has read the very same head before.

The parser calls Python three times for a response and appends its body to a list by itself; header fields are left in
the bytes of the head, which hardly anybody reads. A reader is needed only while a response comes in, so few of them
serve all connections.

Servers send few different heads: for a second or so, all answers of an endpoint have the same. What llhttp made of one
(status, length of the body, whether the connection is kept) it would make of it again, since nothing else enters into
it; so a response that came whole, under a known head, is taken apart without it. That saves a tenth of a request.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import httptools

from harness.loadgen.http_client.response import MAX_BODY_BYTES, Headers, Response
from harness.loadgen.net import ConnectionEnded, ProtocolError

MAX_HEAD_BYTES = 64 * 1024
_MOST_INTERIM = 20
"""Responses 1xx before the real one."""

END_OF_HEAD = b"\r\n\r\n"
_KEPT_BEHIND_HEAD_BYTES = 1024
_MOST_SPARE = 100

_MOST_KNOWN = 1000
_LONGEST_KNOWN_BYTES = 1024

_ACTED_ON = re.compile(rb"\n(?:set-cookie|location|content-encoding):", re.IGNORECASE)
_NOT_BY_LENGTH = re.compile(rb"\n(?:transfer-encoding|upgrade)", re.IGNORECASE)


class KnownHead(NamedTuple):
    """What llhttp made of a head. length: bytes of the body. plain: as ``Response.plain``."""

    status: int
    length: int
    keep: bool
    plain: bool


KNOWN: dict[bytes, KnownHead] = {}
"""Heads up to their empty line, of answers to anything but HEAD."""


def recall(data: bytes, response: Response) -> bool | None:
    """Fill in a response that has come whole, under a known head; whether the connection is kept. None: it has not."""
    end = data.find(END_OF_HEAD) + 4
    head = data[:end]
    known = KNOWN.get(head)
    if known is None or known.length != len(data) - end:
        return None
    response.status, _, keep, response.plain = known
    response.head = head
    response.body = data[end:]
    return keep


class ResponseReader:
    """Takes the bytes of one response as they come; ``begin`` before each.

    headed: its head is there. complete: all of it is. keep: the connection can take another request. interim: how many
    1xx came before it.
    """

    __slots__ = (
        "_chunks",
        "_head",
        "_headless",
        "_most",
        "_parser",
        "_parts",
        "_total",
        "complete",
        "headed",
        "interim",
        "keep",
        "on_body",
    )

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # called by the parser: no Python function in between
        self._parser: Any = httptools.HttpResponseParser(self)
        self.begin(headless=False, most=MAX_BODY_BYTES)

    def begin(self, *, headless: bool, most: float) -> None:
        """A new response. headless: it answers HEAD, so no body follows. most: bytes that it may have."""
        self._head = b""
        self._headless = headless
        self._most = most
        self._total = self._chunks = self.interim = 0
        self.headed = self.complete = self.keep = False

    def on_message_begin(self) -> None:
        """Called by the parser, at the first byte."""
        if self.complete:
            raise ProtocolError("more than was asked for")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self.headed = self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """Called by the parser. Only now does it know whether the connection can be kept."""
        if self.headed:
            self.complete = True
            self.keep = self._parser.should_keep_alive()
        else:
            self.interim += 1

    def feed(self, data: bytes) -> None:
        """More of it; nothing is the end of the connection. Raises ConnectionEnded, ProtocolError and llhttp's own."""
        if not data:
            self._end()
            return
        self._chunks += 1
        if not self.headed:
            self._head = self._head + data if self._head else data
        self._parser.feed_data(data)
        if self.interim:
            self._forget_interim()
        if self.complete:
            return
        self._total += len(data)
        if not self.headed:
            if len(self._head) > MAX_HEAD_BYTES:
                raise ProtocolError("the response's head has no end")
        elif self._headless:
            self._end_headless()
        elif self._total > self._most:
            raise ProtocolError("the response is too large")

    def fill(self, response: Response) -> None:
        """Tell what there is: the head, and when it is complete the body."""
        response.status = self._parser.get_status_code()
        head = self._head
        if head[:1] != b"H":
            head = head.lstrip(b"\r\n")  # as the parser does
        if len(head) > _KEPT_BEHIND_HEAD_BYTES:
            head = head[: head.find(END_OF_HEAD) + 4]
        response.head = head
        response.plain = _ACTED_ON.search(head) is None
        if self.complete:
            response.body = self.take_body()
            if self._chunks == 1 and not self._headless and not self.interim:
                self._learn(response)

    def _learn(self, response: Response) -> None:
        """Its head, when that alone says how long the body is: it came whole in one piece, and is not chunked."""
        head, found, rest = self._head.partition(END_OF_HEAD)
        head += found
        if len(head) > _LONGEST_KNOWN_BYTES or head[:1] != b"H" or _NOT_BY_LENGTH.search(head):
            return
        if len(rest) == len(response.body):
            if len(KNOWN) >= _MOST_KNOWN:
                KNOWN.clear()
            KNOWN[head] = KnownHead(response.status, len(rest), self.keep, response.plain)

    def take_body(self) -> bytes:
        """What has come of the body since the last call."""
        parts = self._parts
        if not parts:
            return b""
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return body

    def drop(self) -> None:
        """Use it no more: without this, reader and parser would wait for the collector."""
        self._parser = None

    def _end_headless(self) -> None:
        if self._parts:
            raise ProtocolError("a body in answer to HEAD")
        self.complete = True
        self.keep = self._parser.should_keep_alive()

    def _forget_interim(self) -> None:
        """The heads of responses 1xx: the real one follows them."""
        head = self._head.lstrip(b"\r\n")
        while head[9:10] == b"1" and (end := head.find(END_OF_HEAD)) >= 0:
            head = head[end + 4 :].lstrip(b"\r\n")
        self._head = head
        if self.interim > _MOST_INTERIM:
            raise ProtocolError("interim responses without end")

    def _end(self) -> None:
        """The server has closed: that ends a body without a length, and breaks off anything else."""
        if self.headed:
            headers = Headers(self._head.lstrip(b"\r\n"))
            coding = headers.get("transfer-encoding", "").lower()
            if "content-length" not in headers and not coding.endswith("chunked"):
                self.complete = True
                return
        raise ConnectionEnded


_spare: list[ResponseReader] = []


def take_reader(*, headless: bool, most: float) -> ResponseReader:
    """One that nobody uses."""
    reader = _spare.pop() if _spare else ResponseReader()
    reader.begin(headless=headless, most=most)
    return reader


def give_back(reader: ResponseReader, *, good: bool) -> None:
    """good: it has read a whole response, after which another may follow. Of any other the parser may be stuck."""
    if good and len(_spare) < _MOST_SPARE:
        _spare.append(reader)
    else:
        reader.drop()
