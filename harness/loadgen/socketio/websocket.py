"""A WebSocket (RFC 6455), the client's side, read by the event loop itself.

No greenlet belongs to an open connection: the loop calls back when bytes have come, and what they complete is handed on
at once. An idle connection is a socket and a few small objects; what reads a frame that came in pieces is there only as
long as that. Whoever is handed a message runs inside the loop and must not block; it may send.
"""

from __future__ import annotations

import _socket
import base64
import contextlib
import hashlib
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import gevent
import gevent.socket
from gevent.hub import Waiter

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError, TimedOut
from harness.loadgen.socketio.frames import (
    ABNORMAL,
    BINARY,
    CLOSE,
    NO_CODE,
    NORMAL,
    PING,
    PONG,
    PROTOCOL_ERROR,
    SHORT_BYTES,
    TEXT,
    WHOLE_TEXT,
    Control,
    FrameError,
    FrameReader,
    as_text,
    frame,
)
from harness.loadgen.socketio.readers import Reader, readers

HIGH_WATER_BYTES: Final = 256 * 1024
"""A sender waits while more than this is unsent."""

MAX_UNSENT_BYTES: Final = 8 * 1024 * 1024
"""What handlers inside the loop, which cannot wait, may leave unsent before the connection is given up."""

_MAX_HEAD_BYTES: Final = 64 * 1024
_FEW_BYTES: Final = 479
_MANY_BYTES: Final = 64 * 1024
"""What a connection asks for after it got few bytes, and after it got more. Few are what Python allocates by itself, in
512 bytes with an object's head: most messages are short, and to make room for a long one takes longer than to read."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_WRITE: Final = 2
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class HandshakeRefused(ProtocolError):
    """The server did not switch protocols. status: what it answered instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class ExtensionForced(ProtocolError):
    """The server insists on an extension that was not offered: permessage-deflate, most likely."""


class ServerNotReading(ProtocolError):
    """More waits to be sent than a server that reads would ever leave."""


def upgrade_request(origin: Origin, path: str, headers: Mapping[str, str], key: bytes) -> bytes:
    """The HTTP request that asks for a WebSocket. No extension is offered."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {origin.host_header}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def check_upgrade(head: bytes, key: bytes) -> None:
    """The answer's head, without its empty line. Raises ProtocolError, HandshakeRefused, ExtensionForced."""
    status_line, *fields = head.split(b"\r\n")
    parts = status_line.split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise ProtocolError("the handshake's answer is no HTTP")
    if parts[1] != b"101":
        raise HandshakeRefused(int(parts[1]))
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    answered = {name.strip().lower(): value.strip() for name, _, value in (f.partition(b":") for f in fields)}
    if answered.get(b"sec-websocket-accept") != accept:
        raise ProtocolError("the handshake's answer is to another question")
    if answered.get(b"sec-websocket-extensions"):
        raise ExtensionForced("the server forces an extension that was not offered")


class WebSocket(Reader):
    """A WebSocket. Making one connects, and asks for the upgrade; then ``start`` hands it to the loop.

    on_end may be told HandshakeRefused, ExtensionForced or ProtocolError for the upgrade's answer.

    close_code: the server's, once it has closed; 0 before, 1006 when it just went away.
    heard_at: the loop's time when bytes came last.
    """

    __slots__ = (
        "_asks",
        "_closing",
        "_drainers",
        "_ended",
        "_handshake",
        "_is_bare",
        "_is_read",
        "_on_end",
        "_on_message",
        "_reader",
        "_sock",
        "_timeout_seconds",
        "_unsent",
        "_writable",
        "close_code",
        "heard_at",
    )

    def __init__(self, origin: Origin, path: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._reader: FrameReader | None = FrameReader()  # None between whole frames
        self._asks: int = _FEW_BYTES
        self._closing = False
        self._ended: BaseException | None = None
        self._unsent: bytearray | None = None
        self._drainers: list[Any] | None = None
        self._on_message: Callable[[str | bytes], None] | None = None
        self._on_end: Callable[[BaseException], None] | None = None
        self._is_read = False
        self._writable: Any = None
        self.close_code = 0
        key = base64.b64encode(os.urandom(16))
        self._handshake: tuple[bytes, bytearray] | None = (key, bytearray())  # what was asked, what is answered so far
        sock = origin.connect(timeout_seconds)
        try:
            sock.sendall(upgrade_request(origin, path, headers, key))
            self._sock = _bare(sock)
            self._is_bare = type(self._sock) is _socket.socket  # TLS may hold decrypted bytes that wake nobody
        except BaseException:
            sock.close()
            raise
        self.heard_at = gevent.get_hub().loop.now()

    def start(self, on_message: Callable[[str | bytes], None], on_end: Callable[[BaseException], None]) -> None:
        """From now on the loop reads: on_message gets each message, on_end why it is over, once.

        An error that on_message raises ends the connection, too. on_end is called by whoever ends it.
        """
        self._on_message, self._on_end = on_message, on_end
        readers().add(self._sock.fileno(), self)
        self._is_read = True

    def read(self, now: float, to_the_end: bool) -> None:
        """Take what has come, without waiting; now: the loop's time. For the loop."""
        while self._ended is None:
            asked = self._asks
            try:
                data: bytes = self._sock.recv(asked)
            except _NOT_NOW:
                return
            except OSError as error:
                self.end(error)
                return
            self.heard_at = now
            if not data:
                self.close_code = self.close_code or ABNORMAL
                self.end(ConnectionEnded())
                return
            self._asks = _FEW_BYTES if len(data) < _FEW_BYTES else _MANY_BYTES
            self._hand_on(data)
            if len(data) < asked and self._is_bare and not to_the_end:
                return  # all that there was: what comes now, the loop is told of

    def _hand_on(self, data: bytes) -> None:
        on_message = self._on_message
        assert on_message is not None
        try:
            # One short message, whole and alone, is what comes most.
            length = len(data) - 2
            if self._reader is None and 0 <= length <= SHORT_BYTES and data[0] == WHOLE_TEXT and data[1] == length:
                on_message(as_text(data[2:]))
            else:
                self._feed(data, on_message)
        except ProtocolError as mistake:
            self.end(mistake, mistake.code if isinstance(mistake, FrameError) else PROTOCOL_ERROR)
        except Exception as error:  # noqa: BLE001  # a handler's mistake: its connection's owner shall see it
            self.end(error)

    def _feed(self, data: bytes, on_message: Callable[[str | bytes], None]) -> None:
        if self._handshake is not None:
            data = self._shake_hands(*self._handshake, data)
        reader = self._reader
        if reader is None:
            reader = self._reader = FrameReader()
        for message in reader.feed(data):
            if type(message) is Control:
                self._control(message)
            else:
                on_message(message)  # type: ignore[arg-type]  # Control is told by its very type: a str is common
            if self._ended is not None:
                return
        if self._handshake is None and not reader.holds:
            self._reader = None

    def _shake_hands(self, key: bytes, head: bytearray, data: bytes) -> bytes:
        """Take the handshake's answer; what comes behind it. In the loop, too: a greenlet would wait at its deepest."""
        head += data
        end = head.find(b"\r\n\r\n")
        if end < 0:
            if len(head) > _MAX_HEAD_BYTES:
                raise ProtocolError("the handshake's answer is too long")
            return b""
        check_upgrade(bytes(head[:end]), key)
        self._handshake = None
        return bytes(head[end + 4 :])

    def _control(self, control: Control) -> None:
        if control.opcode == PING:
            self.write(frame(PONG, control.payload))
        elif control.opcode == CLOSE:
            self.close_code = int.from_bytes(control.payload[:2], "big") or NO_CODE
            self.end(ConnectionEnded())

    def send(self, text: str, attachments: Sequence[bytes] = ()) -> None:
        """Send a text message, and right behind it binary ones, in one piece. Raises why the connection has ended.

        Waits while the server does not read, unless called inside the loop.
        """
        data = frame(TEXT, text.encode())
        if attachments:
            data += b"".join(frame(BINARY, payload) for payload in attachments)
        self.write(data)

    def write(self, data: bytes) -> None:
        """Send whole frames."""
        if self._ended is not None:
            raise self._ended.with_traceback(None)
        if self._unsent is not None:
            self._unsent += data
        else:
            try:
                sent = self._sock.send(data)
            except _NOT_NOW:
                sent = 0
            except OSError as error:
                self.end(error)
                raise
            if sent == len(data):
                return
            self._unsent = bytearray(memoryview(data)[sent:])
            if self._writable is None:
                self._writable = gevent.get_hub().loop.io(self._sock.fileno(), _WRITE)
            self._writable.start(self._write_on)
        if len(self._unsent) > HIGH_WATER_BYTES:
            self._hold_back(len(self._unsent))

    def _hold_back(self, unsent: int) -> None:
        hub = gevent.get_hub()
        if gevent.getcurrent() is hub:
            if unsent > MAX_UNSENT_BYTES:
                error = ServerNotReading("the server does not read what it is sent")
                self.end(error)
                raise error
            return
        waiter: Any = Waiter(hub)
        if self._drainers is None:
            self._drainers = []
        self._drainers.append(waiter)
        with gevent.Timeout(self._timeout_seconds, TimedOut()):
            waiter.get()
        if self._ended is not None:
            raise self._ended.with_traceback(None)

    def _write_on(self) -> None:
        assert self._unsent is not None
        try:
            sent = self._sock.send(self._unsent)
        except _NOT_NOW:
            return
        except OSError as error:
            self.end(error)
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._unsent = None
            self._writable.stop()
            self._wake_drainers()

    def _wake_drainers(self) -> None:
        drainers, self._drainers = self._drainers, None
        for waiter in drainers or ():
            gevent.get_hub().loop.run_callback(waiter.switch, None)

    def say_goodbye(self, code: int = NORMAL) -> None:
        """Send the closing frame; the server then closes the connection, which ends it here."""
        if self._closing or self._ended is not None or self._handshake is not None:
            return
        self._closing = True
        data = frame(CLOSE, code.to_bytes(2, "big"))
        if self._unsent is not None:
            self._unsent += data
            return
        with contextlib.suppress(OSError):  # a server that is gone, the reader will notice; one that is full can wait
            self._sock.send(data)

    def close(self) -> None:
        """Say goodbye and hang up."""
        self.end(ConnectionEnded())

    def end(self, cause: BaseException, code: int = NORMAL) -> None:
        """Say goodbye with that code, hang up, and tell on_end why."""
        if self._ended is not None:
            return
        self.say_goodbye(code)
        self._ended = cause
        if self._is_read:
            readers().remove(self._sock.fileno())
        if self._writable is not None:
            self._writable.stop()
            self._writable.close()
            self._writable = None
        self._sock.close()
        self._unsent = None
        self._wake_drainers()
        on_end, self._on_message, self._on_end = self._on_end, None, None
        if on_end is not None:
            on_end(cause)


def _bare(sock: Any) -> Any:
    """The same connection without what gevent keeps for a socket that greenlets wait on; TLS stays as it is."""
    if type(sock) is not gevent.socket.socket:
        sock.settimeout(0.0)
        return sock
    family, kind, protocol = sock.family, sock.type, sock.proto
    bare = _socket.socket(family, kind, protocol, sock.detach())
    bare.setblocking(False)
    return bare
