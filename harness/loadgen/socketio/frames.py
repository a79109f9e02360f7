"""WebSocket frames (RFC 6455) as bytes, the client's side: nothing is read or sent here.

Nothing is negotiated (no extensions), so any reserved bit is an error. A connection keeps bytes only while a frame is
partial, and never more than one message's bound.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from harness.loadgen.net import ProtocolError

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL, PROTOCOL_ERROR, NO_CODE, ABNORMAL, BAD_TEXT, TOO_BIG = 1000, 1002, 1005, 1006, 1007, 1009
"""Close codes. NO_CODE and ABNORMAL are never sent."""

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
WHOLE_TEXT: Final = 0x81
_WHOLE_BINARY: Final = 0x82

SHORT_BYTES: Final = 125
"""The longest payload whose length is the frame's second byte."""

_OPCODES: Final = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_MAX_CONTROL_BYTES: Final = 125


class FrameError(ProtocolError):
    """What a server must not send. code: the close code that tells it so."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Control(NamedTuple):
    """A control frame: CLOSE, PING or PONG."""

    opcode: int
    payload: bytes


def mask(payload: bytes, key: bytes) -> bytes:
    """The payload XOR the key repeated, as one big integer: a loop over bytes would cost a thousand times as much."""
    length = len(payload)
    repeated = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(length, "little")


def frame(opcode: int, payload: bytes) -> bytes:
    """One final, masked frame."""
    length = len(payload)
    if length <= SHORT_BYTES:
        # The key's place is zero, so that one XOR both writes the key and masks; what it masks too much is cut off.
        # Key, head and the rest stand in this one expression because it is most of what sending costs.
        return (
            _from_bytes(_HEADS[opcode][length] + payload, "little")
            ^ (_keys.pop() if _keys else _key()) * _SPREAD[length]
        ).to_bytes(length + 9, "little")[: length + 6]
    if length < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, _MASKED | 127)) + length.to_bytes(8, "big")
    key = _key().to_bytes(4, "little")
    return head + key + mask(payload, key)


_from_bytes: Final = int.from_bytes
_HEADS: Final = {
    opcode: tuple(bytes((_FINAL | opcode, _MASKED | length, 0, 0, 0, 0)) for length in range(SHORT_BYTES + 1))
    for opcode in _OPCODES
}
"""By opcode and length: a short frame's head and the place of its key."""

_SPREAD: Final = tuple(
    sum(1 << 8 * (2 + 4 * number) for number in range(1 + -(-length // 4))) for length in range(SHORT_BYTES + 1)
)
"""By length: what a key is multiplied by to stand in its place, and again and again above the payload."""

_KEYS_AT_ONCE: Final = 1024
_keys: Final[list[int]] = []


def _key() -> int:
    """Unpredictable, as RFC 6455 wants it, and used once; drawn by the thousand, since each draw is a system call."""
    if not _keys:
        _keys.extend(memoryview(os.urandom(4 * _KEYS_AT_ONCE)).cast("I").tolist())
    return _keys.pop()


class FrameReader:
    """Bytes as they come, turned into messages: str for text, bytes for binary, Control for the rest."""

    __slots__ = ("_joined", "_joined_opcode", "_partial", "_wanted")

    def __init__(self) -> None:
        self._partial: bytearray | None = None
        self._wanted = 0
        self._joined: bytearray | None = None
        self._joined_opcode = CONTINUATION

    def feed(self, data: bytes) -> Iterator[str | bytes | Control]:
        """The messages that these bytes complete. Raises FrameError, after the messages before the mistake.

        To be exhausted before it is fed again; after a mistake, or where its caller stops, never.
        """
        if self._partial is not None:
            self._partial += data
            if len(self._partial) < self._wanted:
                return
            data, self._partial = bytes(self._partial), None
        at, end = 0, len(data)
        wanted = 2
        while end - at >= 2:
            first, length, start = data[at], data[at + 1], at + 2
            if first != WHOLE_TEXT or length > 125:
                _check(first, length)
                if length > 125:
                    size = 2 if length == 126 else 8
                    if start + size > end:
                        wanted = 2 + size
                        break
                    start, length = start + size, _long(data[start : start + size])
            stop = start + length
            if stop > end:
                wanted = stop - at
                break
            if self._joined is None and first == WHOLE_TEXT:
                yield as_text(data[start:stop])
            elif self._joined is None and first == _WHOLE_BINARY:
                yield data[start:stop]
            elif first & 0x0F >= CLOSE:
                yield _control(first & 0x0F, data[start:stop])
            elif (message := self._join(first, data[start:stop])) is not None:
                yield message
            at = stop
        if at < end:
            self._partial, self._wanted = bytearray(memoryview(data)[at:]), wanted

    @property
    def holds(self) -> bool:
        """Whether it must be fed with what comes next, or another reader could be."""
        return self._partial is not None or self._joined is not None

    @property
    def held_bytes(self) -> int:
        """Bytes kept for a message that is not whole yet."""
        return len(self._partial or ()) + len(self._joined or ())

    def _join(self, first: int, payload: bytes) -> str | bytes | None:
        """A message in several frames: the whole of it with its last."""
        opcode = first & 0x0F
        if (opcode == CONTINUATION) != (self._joined is not None):
            raise FrameError(PROTOCOL_ERROR, "a fragment out of order")
        if self._joined is None:
            self._joined, self._joined_opcode = bytearray(), opcode
        self._joined += payload
        if len(self._joined) > MAX_MESSAGE_BYTES:
            raise FrameError(TOO_BIG, "the message is too big")
        if not first & _FINAL:
            return None
        whole, self._joined = bytes(self._joined), None
        return as_text(whole) if self._joined_opcode == TEXT else whole


def _check(first: int, length: int) -> None:
    if first & 0x40:
        raise FrameError(PROTOCOL_ERROR, "a compressed frame: compression was not agreed on")
    if first & _RESERVED or length & _MASKED or first & 0x0F not in _OPCODES:
        raise FrameError(PROTOCOL_ERROR, "not a frame that a server may send")
    if first & 0x0F >= CLOSE and (length > _MAX_CONTROL_BYTES or not first & _FINAL):
        raise FrameError(PROTOCOL_ERROR, "a control frame must be short and whole")


def _long(field: bytes) -> int:
    length = int.from_bytes(field, "big")
    if length > MAX_MESSAGE_BYTES:
        raise FrameError(TOO_BIG, "the message is too big")
    return length


def _control(opcode: int, payload: bytes) -> Control:
    if opcode == CLOSE and payload:
        if len(payload) < 2:
            raise FrameError(PROTOCOL_ERROR, "half a close code")
        as_text(payload[2:])
    return Control(opcode, payload)


def as_text(payload: bytes) -> str:
    """A text message. Raises FrameError."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(BAD_TEXT, "the text is no UTF-8") from None
