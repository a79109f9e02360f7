"""WebSocket frames and Socket.IO packets, over a socket that is a list of bytes."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from harness.loadgen.net import ConnectionEnded, ProtocolError
from harness.loadgen.socketio import ConnectRefused, SocketIO
from harness.loadgen.websocket import MAX_MESSAGE_BYTES, HandshakeRefused, WebSocket, frame, mask


def server_frame(opcode, payload, *, final=True):
    head = bytes((0x80 * final | opcode,))
    if len(payload) < 126:
        head += bytes((len(payload),))
    elif len(payload) < 1 << 16:
        head += bytes((126,)) + len(payload).to_bytes(2, "big")
    else:
        head += bytes((127,)) + len(payload).to_bytes(8, "big")
    return head + payload


def unmask(data):
    """Opcode and payload of a client's frame, and what follows it."""
    assert data[0] & 0x80 and data[1] & 0x80
    length, start = data[1] & 0x7F, 2
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(data[2:10], "big"), 10
    payload = mask(data[start + 4 : start + 4 + length], data[start : start + 4])
    return data[0] & 0x0F, payload, data[start + 4 + length :]


class Wire:
    """A socket whose server answers the handshake and then has said everything already."""

    host_header = "test:80"

    def __init__(self, after=b"", *, answer=None, piece=7):
        self.after, self.answer, self.piece = after, answer, piece
        self.incoming = b""
        self.sent = b""
        self.closed = False
        self.idle = None

    def connect(self, timeout_seconds):
        return self

    def settimeout(self, seconds):
        self.idle = seconds

    def sendall(self, data):
        if data.startswith(b"GET "):
            key = next(line[19:] for line in data.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            good = b"HTTP/1.1 101 Switching Protocols\r\nSEC-WebSocket-Accept: " + accept + b"\r\n\r\n"
            self.incoming = (self.answer or good) + self.after
        else:
            self.sent += data

    def recv(self, size):
        # In small pieces, as a network may deliver them.
        size = min(size, self.piece)
        data, self.incoming = self.incoming[:size], self.incoming[size:]
        return data

    def close(self):
        self.closed = True

    @property
    def frames(self):
        found, rest = [], self.sent
        while rest:
            opcode, payload, rest = unmask(rest)
            found.append((opcode, payload))
        return found


def opened(*frames, **options):
    wire = Wire(b"".join(frames), **options)
    return WebSocket(wire, "/socket.io/", {}, 5), wire


@pytest.mark.parametrize("length", [0, 1, 3, 4, 125, 126, 65535, 65536])
def test_a_frame_is_masked_and_whole(length):
    payload = bytes(i % 251 for i in range(length))
    assert unmask(frame(0x1, payload)) == (0x1, payload, b"")


def test_rfc_6455_example_of_a_masked_frame():
    """Section 5.7: "Hello" under the key 37 fa 21 3d."""
    assert mask(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("7f9f4d5158")


def test_messages_of_every_size_arrive():
    texts = ["", "a", "ж" * 100, "x" * 126, "y" * 70_000]
    socket, _ = opened(*(server_frame(0x1, text.encode()) for text in texts), piece=1000)
    assert [socket.receive() for _ in texts] == texts


def test_fragments_are_joined_and_a_ping_between_them_is_answered():
    socket, wire = opened(
        server_frame(0x1, b"Gr", final=False),
        server_frame(0x9, b"still there?"),
        server_frame(0x0, "ü".encode()[:1], final=False),
        server_frame(0x0, "ü".encode()[1:] + b"n"),
    )
    assert socket.receive() == "Grün"
    assert wire.frames == [(0xA, b"still there?")]


def test_closing_is_answered():
    socket, wire = opened(server_frame(0x8, (1001).to_bytes(2, "big") + b"going away"))
    with pytest.raises(ConnectionEnded):
        socket.receive()
    assert socket.close_code == 1001 and wire.closed
    assert wire.frames == [(0x8, (1000).to_bytes(2, "big"))]


def test_a_connection_that_just_ends():
    socket, _ = opened(server_frame(0x1, b"half a message")[:-3])
    with pytest.raises(ConnectionEnded):
        socket.receive()
    assert socket.close_code == 1006


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xc1\x00", 1002),  # a reserved bit
        (b"\x81\x80\0\0\0\0", 1002),  # masked by the server
        (b"\x83\x00", 1002),  # an unknown opcode
        (b"\x82\x01a", 1002),  # binary
        (b"\x80\x01a", 1002),  # a continuation of nothing
        (b"\x01\x01a\x81\x01b", 1002),  # a new message inside of one
        (b"\x09\x00", 1002),  # a control frame in parts
        (b"\x89\x7e\x00\x7e" + b"x" * 126, 1002),  # a control frame too long
        (b"\x81\x01\xff", 1007),  # no UTF-8
        (b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"), 1009),
    ],
)
def test_what_a_server_must_not_send_closes_the_connection(data, code):
    socket, wire = opened(data)
    with pytest.raises(ProtocolError):
        socket.receive()
    assert wire.closed
    assert wire.frames[-1] == (0x8, code.to_bytes(2, "big"))


def test_fragments_together_are_bounded():
    part = b"x" * (MAX_MESSAGE_BYTES // 2 + 1)
    socket, wire = opened(server_frame(0x1, part, final=False), server_frame(0x0, part), piece=1 << 20)
    with pytest.raises(ProtocolError):
        socket.receive()
    assert wire.frames[-1] == (0x8, (1009).to_bytes(2, "big"))


def test_a_refused_handshake_says_with_what():
    with pytest.raises(HandshakeRefused) as refused:
        opened(answer=b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
    assert refused.value.status == 503


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: wrong\r\n\r\n", b"nonsense\r\n\r\n", b"X" * 70_000],
)
def test_a_wrong_handshake(answer):
    with pytest.raises(ProtocolError):
        opened(answer=answer, piece=4096)


def test_a_handshake_that_breaks_off():
    with pytest.raises(ConnectionEnded):
        opened(answer=b"HTTP/1.1 101 Switching")


# Socket.IO

HELLO = '0{"sid":"x","pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}'


def texts(*messages):
    return b"".join(server_frame(0x1, message.encode()) for message in messages)


def connected(*messages, auth=None):
    heard = []
    wire = Wire(texts(HELLO, '40{"sid":"y"}', *messages), piece=4096)
    client = SocketIO(wire, lambda event, data: heard.append((event, data)), auth=auth)
    return client, wire, heard


def said(wire):
    return [payload.decode() for opcode, payload in wire.frames if opcode == 0x1]


def test_connecting_with_a_token():
    _, wire, _ = connected(auth={"token": "t"})
    assert said(wire) == ['40{"token":"t"}']


def test_events_acknowledgements_and_heartbeats():
    client, wire, heard = connected(
        '42["chat",{"client_id":"a"}]',
        '430[{"no":"one asked"}]',
        '431[{"ok":true}]',
        "2",
        '42["job",{"n":1},2]',
        '4217["x"]',
    )
    answers = []
    client.emit("chat", {"text": "ü"}, answers.append)
    assert client.unacknowledged == 1
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert heard == [("chat", {"client_id": "a"}), ("job", {"n": 1}), ("x", None)]
    assert answers == [{"ok": True}] and client.unacknowledged == 0
    assert said(wire) == ["40", "421" + json.dumps(["chat", {"text": "ü"}], separators=(",", ":")), "3", "4317[]"]
    assert wire.idle == 45.0


def test_a_call_waits_for_its_own_answer_and_hears_what_comes_before():
    client, _, heard = connected('42["chat",{"client_id":"a"}]', '431[{"ok":true,"lesson_id":3}]')
    assert client.call("join", {"lesson_id": 3}) == {"ok": True, "lesson_id": 3}
    assert heard == [("chat", {"client_id": "a"})]


def test_a_refused_token():
    wire = Wire(texts(HELLO, '44{"message":"no"}'), piece=4096)
    with pytest.raises(ConnectRefused):
        SocketIO(wire, lambda event, data: None)
    assert wire.closed


@pytest.mark.parametrize("message", ["41", "1"])
def test_the_server_says_goodbye(message):
    client, _, _ = connected(message)
    with pytest.raises(ConnectionEnded):
        client.listen()


@pytest.mark.parametrize("message", ["42nonsense", '42{"a":1}', "42[1]", "42[]", "9", "51-[]", ""])
def test_a_broken_packet(message):
    client, _, _ = connected(message)
    with pytest.raises(ProtocolError):
        client.listen()


@pytest.mark.parametrize("hello", ["40", '0{"sid":"x"}', "0[]", "hello"])
def test_no_engine_io(hello):
    wire = Wire(texts(hello), piece=4096)
    with pytest.raises(ProtocolError):
        SocketIO(wire, lambda event, data: None)
    assert wire.closed
