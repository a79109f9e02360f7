"""WebSocket (RFC 6455), the client's side, on a gevent socket: whole text messages in and out.

One greenlet reads; pings are answered by it. Nothing is negotiated (no extensions), so any reserved bit is an error.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

from gevent.lock import BoundedSemaphore

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_READ_BYTES = 16 * 1024
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL, PROTOCOL_ERROR, BAD_TEXT, TOO_BIG = 1000, 1002, 1007, 1009
"""Close codes."""


class HandshakeRefused(ProtocolError):
    """The server did not switch protocols. status: what it answered instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def mask(payload: bytes, key: bytes) -> bytes:
    """The payload XOR the key repeated, as one big integer: a loop over bytes would cost a thousand times as much."""
    length = len(payload)
    repeated = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")


def frame(opcode: int, payload: bytes) -> bytes:
    """One final, masked frame."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    key = os.urandom(4)
    return head + key + mask(payload, key)


class WebSocket:
    """An open WebSocket. close_code: the server's, once it has closed; 0 before, 1006 when it just went away."""

    def __init__(self, origin: Origin, path: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self.close_code = 0
        self._fragments: list[bytes] = []
        self._fragmented = False
        self._sending = BoundedSemaphore()
        self._closing = False
        self._sock = origin.connect(timeout_seconds)
        try:
            self._buffer = self._shake_hands(origin, path, headers)
        except BaseException:
            self._sock.close()
            raise

    def _shake_hands(self, origin: Origin, path: str, headers: Mapping[str, str]) -> bytearray:
        key = base64.b64encode(os.urandom(16))
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {origin.host_header}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key.decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        buffer = bytearray()
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            if len(buffer) > _MAX_HEAD_BYTES:
                raise ProtocolError("the handshake's answer is too long")
            data = self._sock.recv(_READ_BYTES)
            if not data:
                raise ConnectionEnded
            buffer += data
        status_line, *fields = bytes(buffer[:end]).split(b"\r\n")
        parts = status_line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or not parts[1].isdigit():
            raise ProtocolError("the handshake's answer is no HTTP")
        if parts[1] != b"101":
            raise HandshakeRefused(int(parts[1]))
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        answered = {name.strip().lower(): value.strip() for name, _, value in (f.partition(b":") for f in fields)}
        if answered.get(b"sec-websocket-accept") != accept:
            raise ProtocolError("the handshake's answer is to another question")
        return buffer[end + 4 :]

    def set_idle_timeout(self, seconds: float) -> None:
        """``receive`` raises TimeoutError when nothing comes for so long."""
        self._sock.settimeout(seconds)

    def send(self, text: str, attachments: Sequence[bytes] = ()) -> None:
        """Send a text message, and right behind it binary ones. Safe from any greenlet."""
        self._write(frame(_TEXT, text.encode()) + b"".join(frame(_BINARY, payload) for payload in attachments))

    def _send(self, opcode: int, payload: bytes) -> None:
        self._write(frame(opcode, payload))

    def _write(self, data: bytes) -> None:
        with self._sending:  # a frame that goes out in two parts must not have another one between them
            self._sock.sendall(data)

    def receive(self) -> str:
        """The next text message; blocks. Raises ConnectionEnded, ProtocolError, OSError."""
        while True:
            final, opcode, payload = self._next_frame()
            if opcode >= _CLOSE:
                self._control(opcode, payload)
                continue
            if opcode == _BINARY:
                self._fail(PROTOCOL_ERROR, "binary messages are not expected")
            if (opcode == _CONTINUATION) != self._fragmented:
                self._fail(PROTOCOL_ERROR, "a fragment out of order")
            if final and not self._fragmented:
                return self._text(payload)
            self._fragments.append(payload)
            self._fragmented = not final
            if sum(len(part) for part in self._fragments) > MAX_MESSAGE_BYTES:
                self._fail(TOO_BIG, "the message is too big")
            if final:
                whole, self._fragments = b"".join(self._fragments), []
                return self._text(whole)

    def _text(self, payload: bytes) -> str:
        try:
            return payload.decode()
        except UnicodeDecodeError:
            self._fail(BAD_TEXT, "the text is no UTF-8")

    def _next_frame(self) -> tuple[bool, int, bytes]:
        buffer = self._buffer
        self._fill(2)
        first, second = buffer[0], buffer[1]
        opcode, length, start = first & 0x0F, second & 0x7F, 2
        if first & 0x70 or second & 0x80 or opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG):
            self._fail(PROTOCOL_ERROR, "not a frame that a server may send")
        if opcode >= _CLOSE and (length > 125 or not first & 0x80):
            self._fail(PROTOCOL_ERROR, "a control frame must be short and whole")
        if length >= 126:
            start = 4 if length == 126 else 10
            self._fill(start)
            length = int.from_bytes(buffer[2:start], "big")
            if length > MAX_MESSAGE_BYTES:
                self._fail(TOO_BIG, "the message is too big")
        self._fill(start + length)
        payload = bytes(buffer[start : start + length])
        del buffer[: start + length]
        return bool(first & 0x80), opcode, payload

    def _fill(self, size: int) -> None:
        """Read until the buffer holds that many bytes."""
        while len(self._buffer) < size:
            data = self._sock.recv(_READ_BYTES)
            if not data:
                self.close_code = self.close_code or 1006
                raise ConnectionEnded
            self._buffer += data

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.close()
            raise ConnectionEnded

    def _fail(self, code: int, reason: str) -> NoReturn:
        self.close(code)
        raise ProtocolError(reason)

    def say_goodbye(self, code: int = NORMAL) -> None:
        """Send the closing frame; the server then closes the connection, which the reader notices."""
        if not self._closing:
            self._closing = True
            try:
                self._send(_CLOSE, code.to_bytes(2, "big"))
            except OSError:
                self._sock.close()

    def close(self, code: int = NORMAL) -> None:
        """Say goodbye and hang up."""
        self.say_goodbye(code)
        self._sock.close()
