"""The WebSocket handshake as bytes. The connection itself: tests/loadgen/test_socketio_wire.py."""

from __future__ import annotations

import pytest

from harness.loadgen.net import Origin, ProtocolError
from harness.loadgen.socketio.websocket import ExtensionForced, HandshakeRefused, check_upgrade, upgrade_request

# RFC 6455, section 1.3.
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GOOD = b"HTTP/1.1 101 Switching Protocols\r\nSEC-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "


def test_compression_is_not_offered():
    request = upgrade_request(Origin.parse("http://h:81"), "/socket.io/?EIO=4", {"X-A": "b"}, KEY).decode()
    assert request.startswith("GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: h:81\r\n")
    assert f"\r\nSec-WebSocket-Key: {KEY.decode()}\r\n" in request
    assert request.endswith("\r\nX-A: b\r\n\r\n")
    assert "extension" not in request.lower()


@pytest.mark.parametrize("more", [b"", b"\r\nServer: x", b"\r\nSec-WebSocket-Extensions: "])
def test_the_rfcs_own_example_is_accepted(more):
    check_upgrade(GOOD + more, KEY)


def test_a_refused_handshake_says_with_what():
    with pytest.raises(HandshakeRefused) as refused:
        check_upgrade(b"HTTP/1.1 503 Service Unavailable", KEY)
    assert refused.value.status == 503


def test_forced_compression_is_refused():
    with pytest.raises(ExtensionForced):
        check_upgrade(GOOD + b"\r\nsec-websocket-extensions: permessage-deflate; server_no_context_takeover", KEY)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"nonsense",
        b"HTTP/1.1",
        b"HTTP/1.1 1e2",
        b"HTTP/1.1 " + b"1" * 5000,
        "HTTP/1.1 ١٠١".encode(),
        b"HTTP/1.1 101 OK",
        b"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: wrong",
    ],
)
def test_a_wrong_handshake(head):
    with pytest.raises(ProtocolError):
        check_upgrade(head, KEY)
