"""The Socket.IO client against servers that misbehave on the wire: bytes written by hand, over a real socket.

The server is a greenlet of this process.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError, TimedOut, error_kind
from harness.loadgen.socketio import ServerSilent, SocketIO, websocket
from harness.loadgen.socketio.frames import TEXT, frame
from harness.loadgen.socketio.websocket import ExtensionForced, HandshakeRefused, ServerNotReading, WebSocket

HELLO = b'0{"sid":"x","pingInterval":25000,"pingTimeout":20000}'
IMPATIENT = b'0{"sid":"x","pingInterval":100,"pingTimeout":100}'


def text(payload: bytes) -> bytes:
    return bytes((0x81, len(payload))) + payload


def upgrade(request: bytes, more: bytes = b"") -> bytes:
    key = next(line[19:] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept + b"\r\n" + more + b"\r\n"


@pytest.fixture
def serve() -> Iterator[Callable[..., Origin]]:
    """Starts a server that treats each connection as ``handle(sock, request)`` says, and gives its origin."""
    servers = []

    def start(handle: Callable[[Any, bytes], None]) -> Origin:
        def connection(sock: Any, _: Any) -> None:
            request = b""
            while b"\r\n\r\n" not in request:
                request += sock.recv(4096)
            with contextlib.suppress(OSError):
                handle(sock, request)

        server = StreamServer(("127.0.0.1", 0), connection)
        server.start()
        servers.append(server)
        return Origin("http", "127.0.0.1", server.server_port)

    yield start
    for server in servers:
        server.stop(timeout=0.1)


def says(*pieces: bytes, hold: bool = True) -> Callable[[Any, bytes], None]:
    def handle(sock: Any, request: bytes) -> None:
        sock.sendall(upgrade(request) + text(HELLO))
        sock.recv(4096)
        sock.sendall(text(b'40{"sid":"y"}'))
        for piece in pieces:
            gevent.sleep(0.002)
            sock.sendall(piece)
        while hold and sock.recv(4096):
            pass

    return handle


def connected(origin: Origin, **options: Any) -> tuple[SocketIO, list[tuple[str, Any]]]:
    heard: list[tuple[str, Any]] = []
    return SocketIO(origin, lambda event, data: heard.append((event, data)), timeout_seconds=5, **options), heard


def ends(client: SocketIO, seconds: float = 5) -> BaseException:
    """What listening ends with; a hang is a failure."""
    with gevent.Timeout(seconds):
        try:
            client.listen()
        except Exception as error:
            return error
    raise AssertionError("it never listens to the end")


def test_bytes_in_any_pieces(serve):
    event = text(b'42["e",1]')
    client, heard = connected(serve(says(*(bytes((byte,)) for byte in event * 2), event * 3, hold=False)))
    assert isinstance(ends(client), ConnectionEnded)
    assert heard == [("e", 1)] * 5


def test_what_comes_with_the_handshake_is_not_lost(serve):
    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40") + text(b'42["early"]'))
        sock.recv(4096)

    client, heard = connected(serve(handle))
    ends(client)
    assert heard == [("early", None)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", HandshakeRefused),
        (b"nonsense\r\n\r\n", ProtocolError),
        (b"X" * 70_000, ProtocolError),
        (b"HTTP/1.1 101 Switching", ConnectionEnded),
        (b"", ConnectionEnded),
    ],
)
def test_a_wrong_handshake(serve, answer, error):
    with pytest.raises(error):
        connected(serve(lambda sock, request: sock.sendall(answer)))


def test_a_server_that_forces_compression(serve):
    def handle(sock, request):
        assert b"xtension" not in request
        sock.sendall(upgrade(request, b"Sec-WebSocket-Extensions: permessage-deflate\r\n"))

    with pytest.raises(ExtensionForced):
        connected(serve(handle))


def test_a_server_that_compresses_all_the_same(serve):
    client, _ = connected(serve(says(b"\xc1\x02ab")))
    error = ends(client)
    assert isinstance(error, ProtocolError) and "compress" in str(error)


@pytest.mark.parametrize("pieces", [(b"\x81\x7f" + b"\xff" * 8,), (b"\x81\x01\xff",), (b"\x80\x00",), (text(b"4"),)])
def test_a_mistake_ends_the_connection_with_a_close_frame(serve, pieces):
    seen = []

    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40") + pieces[0])
        while data := sock.recv(4096):
            seen.append(data)
        seen.append(b"")

    client, _ = connected(serve(handle))
    assert isinstance(ends(client), ProtocolError)
    with gevent.Timeout(5):
        while b"" not in seen:
            gevent.sleep(0.005)
    assert b"\x88\x82" in b"".join(seen)


@pytest.mark.parametrize("drip", [b"", b"\x81\x7e\xff", text(b"2") * 3, text(HELLO)])
def test_a_server_that_never_finishes_its_handshake(serve, drip):
    def handle(sock, request):
        sock.sendall(upgrade(request) + drip)
        while sock.recv(4096):
            pass

    with gevent.Timeout(5), pytest.raises(TimedOut):
        SocketIO(serve(handle), print, timeout_seconds=0.1)


def test_a_connection_that_is_reset(serve):
    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        sock.recv(4096)
        sock.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    client, _ = connected(serve(handle))
    assert isinstance(ends(client), (OSError, ConnectionEnded))
    with pytest.raises((OSError, ConnectionEnded)):
        client.emit("x")


def test_a_dead_server_is_noticed(serve):
    def handle(sock, request):
        sock.sendall(upgrade(request) + text(IMPATIENT) + text(b"40"))
        gevent.sleep(5)

    client, _ = connected(serve(handle))
    assert isinstance(ends(client, 2), ServerSilent)


def test_a_loop_that_was_held_up_does_not_blame_the_server(serve):
    def handle(sock, request):
        sock.sendall(upgrade(request) + text(IMPATIENT) + text(b"40"))
        while True:
            gevent.sleep(0.05)
            sock.sendall(text(b"2"))

    client, _ = connected(serve(handle))
    listening = gevent.spawn(client.listen)
    for _ in range(3):
        gevent.sleep(0.06)
        began = gevent.get_hub().loop.now()
        while gevent.get_hub().loop.now() - began < 0.25:  # longer than interval and timeout, and nobody else runs
            gevent.get_hub().loop.update_now()
    assert not listening.ready()
    client.close()


def test_pings_of_the_websocket_are_answered(serve):
    seen = []

    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        sock.recv(4096)
        sock.sendall(b"\x89\x03abc")
        seen.append(sock.recv(4096))

    client, _ = connected(serve(handle))
    ends(client)
    assert len(seen) == 1 and seen[0][:2] == b"\x8a\x83"
    assert bytes(a ^ b for a, b in zip(seen[0][6:], seen[0][2:5], strict=True)) == b"abc"


def test_the_servers_close_code_is_kept(serve):
    ended: list[BaseException] = []
    ws = WebSocket(serve(lambda sock, request: sock.sendall(upgrade(request) + b"\x88\x02\x03\xe9")), "/", {}, 5)
    ws.start(lambda message: None, ended.append)
    with gevent.Timeout(5):
        while not ended:
            gevent.sleep(0.005)
    assert ws.close_code == 1001 and isinstance(ended[0], ConnectionEnded)


def slow_reader(begin: Any) -> Callable[[Any, bytes], None]:
    def handle(sock: Any, request: bytes) -> None:
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        begin.wait()
        while sock.recv(1 << 16):
            pass

    return handle


def test_a_sender_waits_while_the_server_does_not_read(serve):
    begin = gevent.event.Event()
    client, _ = connected(serve(slow_reader(begin)))
    sent = []

    def send():
        for number in range(200):
            client.emit("x", "y" * 100_000)
            sent.append(number)

    sending = gevent.spawn(send)
    gevent.sleep(0.3)
    assert 0 < len(sent) < 200, "what is sent is not piled up without end"
    begin.set()
    sending.get(timeout=10)
    client.close()


def test_a_sender_does_not_wait_for_ever(serve):
    client = SocketIO(serve(slow_reader(gevent.event.Event())), print, timeout_seconds=0.2)
    with gevent.Timeout(10), pytest.raises(TimedOut):
        for _ in range(200):
            client.emit("x", "y" * 100_000)
    client.close()


def test_a_handler_cannot_wait_and_so_its_connection_ends(serve, monkeypatch):
    monkeypatch.setattr(websocket, "MAX_UNSENT_BYTES", 1 << 20)

    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        sock.recv(4096)
        sock.sendall(text(b'42["go"]'))
        gevent.sleep(10)

    def on_event(event, data):
        for _ in range(200):
            client.emit("x", "y" * 100_000)

    client = SocketIO(serve(handle), on_event, timeout_seconds=5)
    assert isinstance(ends(client), ServerNotReading)


def test_a_handlers_mistake_ends_its_own_connection_only(serve):
    origin = serve(says(text(b'42["e"]')))

    def fails(event, data):
        raise ZeroDivisionError

    client = SocketIO(origin, fails)
    other, heard = connected(origin)
    assert isinstance(ends(client), ZeroDivisionError)
    gevent.sleep(0.05)
    assert heard == [("e", None)]
    other.close()


def test_frames_of_one_message_are_never_torn_apart_by_another(serve):
    """Big messages of many greenlets, to a server that reads in small bits: each frame arrives whole."""
    got = bytearray()

    def handle(sock, request):
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        while data := sock.recv(5000):
            got.extend(data)

    client, _ = connected(serve(handle))
    for greenlet in [gevent.spawn(client.emit, "e", f"{number}" * 200_000) for number in range(8)]:
        greenlet.get(timeout=10)
    expected = len(frame(TEXT, b"40")) + 8 * len(frame(TEXT, b'42["e","' + b"1" * 200_000 + b'"]'))
    with gevent.Timeout(10):
        while len(got) < expected:
            gevent.sleep(0.01)
    at, found = 6 + 2, []
    while at < len(got):
        assert got[at : at + 2] == b"\x81\xff"
        size, key = int.from_bytes(got[at + 2 : at + 10], "big"), got[at + 10 : at + 14]
        payload = got[at + 14 : at + 14 + size]
        found.append(bytes(payload[i] ^ key[i % 4] for i in range(9)))
        at += 14 + size
    assert sorted(found) == [b'42["e","%d' % number for number in range(8)]
    client.close()


def test_over_tls(tmp_path):
    """In a process of its own, patched as Locust patches its own."""
    script = Path(__file__).with_name("socketio_over_tls.py")
    ended = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "as it should be\n"


def test_nobody_listens():
    with gevent.socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        SocketIO(Origin("http", "127.0.0.1", port), print, timeout_seconds=5)
    with pytest.raises(ConnectionRefusedError):
        SocketIO(Origin("http", "localhost", port), print, timeout_seconds=5)


def test_a_name_with_several_addresses_is_tried_in_turn(serve):
    origin = serve(says())
    client, _ = connected(Origin("http", "localhost", origin.port))
    assert client.sid == "y"
    client.close()


def test_a_connection_that_is_never_made():
    """A listener whose queue is full: the connection stays on its way."""
    with gevent.socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        origin = Origin("http", "127.0.0.1", sock.getsockname()[1])
        fillers = [gevent.spawn(origin.connect, 2) for _ in range(4)]
        gevent.sleep(0.1)
        with pytest.raises((TimedOut, TimeoutError)) as late:
            SocketIO(origin, print, timeout_seconds=0.2)
        assert error_kind(late.value) == "timeout"
        gevent.killall(fillers)
        for filler in fillers:
            if isinstance(filler.value, gevent.socket.socket):
                filler.value.close()
