"""Whatever a server sends: messages or a typed error, never a hang, and never more kept than one message's bound."""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager, suppress

import gevent
import gevent.socket
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError
from harness.loadgen.socketio.engineio import Connection
from harness.loadgen.socketio.frames import MAX_MESSAGE_BYTES, Control, FrameError, FrameReader
from harness.loadgen.socketio.namespace import Namespace
from harness.loadgen.socketio.packets import ACK, EVENT, address, encode, read_binary, read_header, read_list
from harness.loadgen.socketio.websocket import WebSocket

MARGIN_BYTES = 1024


def wire(opcode, payload, final=True, length=None):
    """A server's frame; ``length`` is what it claims, in whichever form."""
    size = len(payload) if length is None else length
    head = bytes((0x80 * final | opcode,))
    if size < 126:
        return head + bytes((size,)) + payload
    if size < 1 << 16:
        return head + bytes((126,)) + size.to_bytes(2, "big") + payload
    return head + bytes((127,)) + size.to_bytes(8, "big") + payload


FRAMES = st.builds(
    wire,
    st.sampled_from([0, 0, 1, 1, 1, 2, 8, 9, 10, 3, 0x41]),
    st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
    st.booleans(),
    st.none() | st.none() | st.sampled_from([0, 125, 126, 65_535, 65_536, MAX_MESSAGE_BYTES, 1 << 40, (1 << 64) - 1]),
)
STREAMS = st.lists(FRAMES | st.binary(max_size=20), max_size=12).map(b"".join)


def cut(data, cuts):
    edges = [0, *sorted(at for at in cuts if at < len(data)), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def read(pieces):
    reader, found, mistake = FrameReader(), [], 0
    for piece in pieces:
        try:
            for message in reader.feed(piece):
                found.append(message)
        except FrameError as error:
            mistake = error.code
            break
        assert reader.held_bytes <= MAX_MESSAGE_BYTES + MARGIN_BYTES + len(piece)
    return found, mistake


@given(STREAMS, st.lists(st.integers(0, 4000), max_size=30))
def test_any_bytes_give_messages_or_a_typed_error_however_they_are_cut(data, cuts):
    whole = read([data])
    assert read(cut(data, cuts)) == whole
    assert all(type(message) in (str, bytes, Control) for message in whole[0])


@given(st.lists(st.text(max_size=200) | st.binary(max_size=200), max_size=8), st.data())
def test_every_message_arrives_in_however_many_fragments_with_pings_in_between(messages, data):
    stream = b""
    for message in messages:
        payload = message if isinstance(message, bytes) else message.encode()
        pieces = cut(payload, data.draw(st.lists(st.integers(0, 200), max_size=5)))
        for number, piece in enumerate(pieces):
            opcode = 0 if number else 2 if isinstance(message, bytes) else 1
            stream += wire(opcode, piece, number == len(pieces) - 1) + wire(9, b"?")
    found, mistake = read(cut(stream, data.draw(st.lists(st.integers(0, 4000), max_size=20))))
    assert not mistake
    assert [message for message in found if type(message) is not Control] == messages


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMESPACES = st.just("/") | st.text(st.characters(exclude_characters=",?", codec="utf-8"), max_size=8).map("/".__add__)


@given(
    st.sampled_from([EVENT, ACK]), NAMESPACES, st.just("") | st.integers(0, 10**9).map(str), st.lists(JSON, max_size=4)
)
def test_what_is_written_is_read(kind, namespace, number, data):
    text, attachments = encode(kind, address(namespace), number, data)
    header = read_header(text)
    assert (header.namespace, header.number, header.attachments) == (namespace, number, len(attachments))
    read_back = read_binary(text, header.start, attachments) if attachments else read_list(text, header.start)
    assert read_back == data


class Silence(Origin):
    """A server that takes what it is sent, and says nothing."""

    def connect(self, timeout_seconds):
        ours, theirs = gevent.socket.socketpair()
        self.__dict__["theirs"] = theirs  # open as long as the origin is
        return ours


@contextmanager
def silence():
    """A connection to it, which is not read."""
    origin = Silence("http", "nowhere", 80)
    connection = Connection(WebSocket(origin, "/", {}, 1.0))
    try:
        yield connection
    finally:
        connection._end(ConnectionEnded())
        connection.ws.close()
        origin.theirs.close()
        gevent.idle()


PACKETS = (
    st.text(max_size=60)
    | st.binary(max_size=30)
    | st.builds(
        "4{}{}{}{}{}".format,
        st.integers(0, 7),
        st.sampled_from(["", "1-", "2-", "999999999-", "-"]),
        st.sampled_from(["", "/a,", "/b,", "/"]),
        st.sampled_from(["", "1", "9" * 15, "9" * 16]),
        st.sampled_from(
            [
                "",
                "[]",
                '["e"]',
                '["e",{"_placeholder":true,"num":0}]',
                '["e",{"_placeholder":true,"num":-1}]',
                "{}",
                '{"sid":1}',
                "[" * 3000,
                '{"a":' * 3000,
            ]
        )
        | JSON.map(lambda value: json.dumps(value, default=repr)),
    )
    | st.sampled_from(["2", "2probe", "3", "6", "1", "0{}", '0{"pingInterval":1,"pingTimeout":1}'])
)


@given(st.lists(PACKETS, max_size=8))
def test_any_packets_are_acted_on_or_a_typed_error(packets):
    with silence() as connection, suppress(ProtocolError, ConnectionEnded):
        connection._message('0{"pingInterval":25000,"pingTimeout":20000}')
        namespaces = [Namespace(connection, name, lambda event, data: data) for name in ("/", "/a")]
        connection._set(tuple(namespaces))
        for packet in packets:
            connection._message(packet)
            awaited = connection._awaited
            assert awaited is None or (len(awaited.attachments) < 1000 and awaited.size_bytes <= MAX_MESSAGE_BYTES)


def test_attachments_together_are_bounded():
    with silence() as connection:
        connection._message('0{"pingInterval":25000,"pingTimeout":20000}')
        connection._message('453-["x"]')
        connection._message(b"x" * MAX_MESSAGE_BYTES)
        with pytest.raises(ProtocolError, match="too big"):
            connection._message(b"x")
