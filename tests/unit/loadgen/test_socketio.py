"""What the Socket.IO client writes, against a connection that only notes it. Real servers: tests/app, tests/loadgen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from socketio import packet

from harness.loadgen import socketio
from harness.loadgen.net import Origin


class Notebook:
    """Says what a server says at first, and notes what it is sent."""

    def __init__(self, *_: object) -> None:
        self.answers = ['0{"sid":"a","pingInterval":25000,"pingTimeout":20000}', '40{"sid":"b"}']
        self.sent: list[tuple[str, tuple[bytes, ...]]] = []

    def receive(self) -> str:
        return self.answers.pop(0)

    def send(self, text: str, attachments: Sequence[bytes] = ()) -> None:
        self.sent.append((text, tuple(attachments)))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> socketio.SocketIO:
    monkeypatch.setattr(socketio, "WebSocket", Notebook)
    return socketio.SocketIO(Origin.parse("http://127.0.0.1:1"), lambda event, data: None)


def last(client: socketio.SocketIO) -> tuple[str, tuple[bytes, ...]]:
    notebook: Any = client._ws
    sent: tuple[str, tuple[bytes, ...]] = notebook.sent[-1]
    return sent


def test_an_event_is_one_packet(client: socketio.SocketIO) -> None:
    client.emit("chat", {"text": "hä"})
    assert last(client) == ('42["chat",{"text":"h\\u00e4"}]', ())


@pytest.mark.parametrize("acknowledged", [False, True])
def test_bytes_go_as_attachments_as_python_socketio_reads_them(client: socketio.SocketIO, acknowledged: bool) -> None:
    data = {"id": "x", "chunk": b"\x00\x01", "parts": [b"a", b"bc"]}
    client.emit("audio", data, (lambda answer: None) if acknowledged else None)
    text, attachments = last(client)
    read = packet.Packet(encoded_packet=text[1:])  # without Engine.IO's own digit
    assert text[0] == "4"
    assert (read.packet_type, read.attachment_count) == (packet.BINARY_EVENT, 3)
    for attachment in attachments:
        whole = read.add_attachment(attachment)
    assert whole
    assert (read.data, read.id) == (["audio", data], 1 if acknowledged else None)


def test_what_cannot_be_sent_is_said(client: socketio.SocketIO) -> None:
    with pytest.raises(TypeError, match="set cannot be sent"):
        client.emit("audio", {"chunk": {1}})
