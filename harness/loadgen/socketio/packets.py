"""Socket.IO 5 packets inside Engine.IO 4 messages, as text and bytes: nothing is read or sent here.

An own codec: python-socketio's takes several times as long to an event (tests/benchmarks/socketio_codec.py), which
would be most of the work that this client does. A test compares each packet with what python-socketio reads and writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from harness.loadgen.net import ProtocolError

CONNECT: Final = "0"
DISCONNECT: Final = "1"
EVENT: Final = "2"
ACK: Final = "3"
REFUSED: Final = "4"
BINARY_EVENT: Final = "5"
BINARY_ACK: Final = "6"
"""Kinds of Socket.IO packets."""

MESSAGE: Final = "4"
"""The Engine.IO packet that carries them."""

MAX_ATTACHMENTS: Final = 1000
"""Of one packet: a server that announces more is not believed."""

# Message, kind, attachments, namespace (without its query), acknowledgement's number.
_HEADER: Final = re.compile(r"4([0-6])(?:([0-9]{1,10})-)?(?:(/[^,?]*)(?:\?[^,]*)?(?:,|$))?([0-9]{1,15})?")

_COMPACT: Final = (",", ":")


class _HasBytes(Exception):
    """Raised out of the encoder: the data needs attachments."""


def _no_json(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        raise _HasBytes
    raise TypeError(f"{type(value).__name__} cannot be sent")


_scan: Final = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # raw_decode is this and one call more
_quote: Final = json.encoder.encode_basestring_ascii


def _make_encoder() -> Callable[[object], str]:
    encoder = json.JSONEncoder(separators=_COMPACT, default=_no_json, allow_nan=False)
    make = json.encoder.c_make_encoder  # type: ignore[attr-defined]
    if make is None:
        return encoder.encode
    # What ``encode`` makes anew for each value, which takes longer than most values do. Without markers: a value that
    # holds itself is told by the recursion's bound instead of by remembering all that it is inside of.
    chunks = make(None, _no_json, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False)

    def encode(value: object) -> str:
        try:
            return "".join(chunks(value, 0))
        except RecursionError:
            raise ValueError("a value that is nested too deeply for JSON, or in itself") from None

    return encode


_encode: Final = _make_encoder()


class Header(NamedTuple):
    """What stands before a packet's JSON. number: as text, empty without one; start: where the JSON begins."""

    kind: str
    attachments: int
    namespace: str
    number: str
    start: int


def encode(kind: str, namespace: str, number: str, payload: object) -> tuple[str, Sequence[bytes]]:
    """A packet as an Engine.IO message, and its attachments, for EVENT and ACK (without: of the binary kind).

    namespace: as ``address`` gives it. Raises TypeError and ValueError for what JSON cannot say.
    """
    try:
        return f"4{kind}{namespace}{number}{_encode(payload)}", ()
    except _HasBytes:
        pass
    attachments: list[bytes] = []

    def attach(value: object) -> object:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}

    text = json.dumps(payload, separators=_COMPACT, default=attach, allow_nan=False)
    binary = BINARY_EVENT if kind == EVENT else BINARY_ACK
    return f"4{binary}{len(attachments)}-{namespace}{number}{text}", attachments


def encode_event(namespace: str, number: str, event: str, data: object) -> tuple[str, Sequence[bytes]]:
    """``encode`` for an event and its data: None, one argument, or a tuple of several."""
    if type(data) is str and type(event) is str:
        return f"4{EVENT}{namespace}{number}[{_quote(event)},{_quote(data)}]", ()
    if data is None:
        return encode(EVENT, namespace, number, [event])
    return encode(EVENT, namespace, number, [event, *data] if isinstance(data, tuple) else [event, data])


def address(namespace: str) -> str:
    """A namespace as packets name it: the default one not at all."""
    return "" if namespace == "/" else f"{namespace},"


def read_header(message: str) -> Header:
    """Raises ProtocolError."""
    found = _HEADER.match(message)
    if found is None:
        raise ProtocolError("an unknown packet")
    kind, count, namespace, number = found.groups()
    attachments = int(count or 0)
    if attachments > MAX_ATTACHMENTS:
        raise ProtocolError("a packet with too many attachments")
    if attachments and kind not in (BINARY_EVENT, BINARY_ACK):
        raise ProtocolError("attachments to a packet that can have none")
    return Header(kind, attachments, namespace or "/", number or "", found.end())


def read_json(message: str, start: int) -> Any:
    """The JSON that begins there and goes to the message's end; None where nothing does. Raises ProtocolError."""
    if start == len(message):
        return None
    try:
        value, end = _scan(message, start)
    except (StopIteration, ValueError, RecursionError) as error:
        raise ProtocolError("a packet that is no JSON") from error
    if end != len(message):
        raise ProtocolError("a packet with something behind its JSON")
    return value


def read_list(message: str, start: int) -> list[Any]:
    """The arguments of an event or of an acknowledgement. Raises ProtocolError."""
    try:
        value, end = _scan(message, start)
    except (StopIteration, ValueError, RecursionError) as error:
        raise ProtocolError("a packet that is no JSON") from error
    if type(value) is not list or end != len(message):
        raise ProtocolError("a packet that is no list, or has something behind it")
    return value


def read_binary(message: str, start: int, attachments: list[bytes]) -> list[Any]:
    """The same with its attachments in their places. Raises ProtocolError."""

    def fill(value: dict[str, Any]) -> Any:
        if value.get("_placeholder") is not True:
            return value
        number = value.get("num")
        if type(number) is not int or not 0 <= number < len(attachments):
            raise ProtocolError("a placeholder of no attachment")
        return attachments[number]

    try:
        value = json.loads(message[start:], object_hook=fill)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a packet that is no JSON") from error
    if not isinstance(value, list):
        raise ProtocolError("a packet that is no list")
    return value


def as_arguments(data: object) -> list[object]:
    """What ``emit`` or a handler gives, as a packet lists it: nothing for None, a tuple's members, else one."""
    if data is None:
        return []
    return list(data) if isinstance(data, tuple) else [data]


def as_data(arguments: list[Any]) -> Any:
    """The way back: None, the only argument, or a tuple of several."""
    if not arguments:
        return None
    return arguments[0] if len(arguments) == 1 else tuple(arguments)
