"""The Socket.IO client against the servers that define the protocol: python-socketio's own and the reference Node one.

The client runs here, on gevent without patching anything; each server is a process of its own.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import gevent
import pytest

from harness.loadgen.net import ConnectionEnded, Origin
from harness.loadgen.socketio import ConnectRefused, SocketIO
from harness.loadgen.socketio.backoff import Backoff, stay
from harness.loadgen.socketio.polling import PythonSocketIO
from tests.loadgen.node_server import ROOT, NodeMissing, node_command

TEXTS = ["", "a", "hä 😀\u2028", "x" * 125, "y" * 126, "z" * 70_000]
VALUES = [None, 1, [1, 2], {"a": [None, True, 1.5]}, (1, "two", [3])]
BINARIES = [b"", b"\x00\xff", {"a": b"x" * 70_000, "b": [b"1", {"c": b"2"}]}, (b"a", 1, b"b")]


def python_command(options: dict[str, object] | None = None) -> list[str]:
    return [sys.executable, str(ROOT / "tests/loadgen/reference_socketio.py"), json.dumps(options or {})]


@pytest.fixture(scope="module", params=[python_command, node_command], ids=["python-socketio", "node"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Origin]]:
    """Starts a server of one kind with its options; the origin."""
    started: list[subprocess.Popen[str]] = []

    def begin(**options: object) -> Origin:
        try:
            command = request.param(options)
        except NodeMissing as missing:
            pytest.skip(str(missing))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return Origin("http", "127.0.0.1", int(process.stdout.readline()))

    yield begin
    for process in started:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def origin(start: Callable[..., Origin]) -> Origin:
    return start()


class Heard(list[tuple[str, Any]]):
    """Notes events, answers what is asked, and waits for what is to come."""

    answer: Any = None

    def __call__(self, event: str, data: Any) -> Any:
        self.append((event, data))
        return self.answer

    def wait(self, count: int) -> Heard:
        with gevent.Timeout(10):
            while len(self) < count:
                gevent.sleep(0.005)
        return self


@pytest.fixture(params=[SocketIO, PythonSocketIO], ids=["fast", "polling"])
def connect(request: pytest.FixtureRequest, origin: Origin) -> Iterator[Callable[..., Any]]:
    """Connects one of the clients to that server."""
    clients: list[Any] = []

    def begin(on_event: Any = None, **options: Any) -> Any:
        clients.append(request.param(origin, Heard() if on_event is None else on_event, timeout_seconds=10, **options))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.fixture
def fast(origin: Origin) -> Iterator[Callable[..., SocketIO]]:
    clients: list[SocketIO] = []

    def begin(on_event: Any = None, **options: Any) -> SocketIO:
        clients.append(SocketIO(origin, Heard() if on_event is None else on_event, timeout_seconds=10, **options))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.mark.parametrize("namespace", ["/", "/admin"])
def test_everything_comes_back_as_it_was(connect, namespace):
    client = connect(namespace=namespace)
    for value in [*TEXTS, *VALUES, *BINARIES]:
        assert client.call("echo", value) == value
    assert client.unacknowledged == 0


def test_an_acknowledgement_by_callback(connect):
    client, answers = connect(), Heard()
    client.emit("echo", ("a", b"b"), lambda answer: answers("ack", answer))
    assert answers.wait(1) == [("ack", ("a", b"b"))]


@pytest.mark.parametrize("namespace", ["/", "/admin"])
@pytest.mark.parametrize(
    ("answer", "arrives"), [(None, None), ("yes", "yes"), ((1, b"x", {"y": b"z"}), (1, b"x", {"y": b"z"}))]
)
def test_the_server_asks_and_is_answered(connect, namespace, answer, arrives):
    heard = Heard()
    heard.answer = answer
    client = connect(heard, namespace=namespace)
    client.emit("ask", (b"binary", {"n": 1}))
    assert heard.wait(2) == [("question", (b"binary", {"n": 1})), ("answered", arrives)]


@pytest.mark.parametrize(
    ("client", "over"), [(SocketIO, "websocket"), (PythonSocketIO, "polling"), (PythonSocketIO.upgrading, "websocket")]
)
def test_who_is_who(origin, client, over):
    client = client(origin, Heard(), auth={"token": "right", "name": "ä"}, namespace="/locked", timeout_seconds=10)
    assert client.call("who") == ({"token": "right", "name": "ä"}, "/locked", over)
    assert client.call("echo", (1, b"binary")) == (1, b"binary")
    assert client.sid
    client.close()


@pytest.mark.parametrize("auth", [None, {"token": "wrong"}])
def test_a_wrong_token_is_refused_with_the_servers_reason(connect, auth):
    with pytest.raises(ConnectRefused) as refused:
        connect(auth=auth, namespace="/locked")
    assert refused.value.reason == {"message": "not you", "data": {"code": 7}}


def test_being_sent_away(connect):
    client = connect()
    client.emit("kick", False)
    with gevent.Timeout(10), pytest.raises(ConnectionEnded):
        client.listen()
    with pytest.raises(ConnectionEnded):
        client.emit("echo", 1)


def test_leaving(connect):
    client = connect()
    client.leave()
    with gevent.Timeout(10), pytest.raises(ConnectionEnded):
        client.listen()


def test_a_flood_arrives_in_order(fast):
    heard = Heard()
    client = fast(heard)
    client.emit("flood", (3000, "x" * 50))
    assert [data[0] for _, data in heard.wait(3000)] == list(range(3000))


def test_what_is_said_reaches_all(fast):
    heard = [Heard() for _ in range(5)]
    clients = [fast(one) for one in heard]
    clients[0].emit("say", {"n": 1, "b": b"\x00"})
    for one in heard:
        assert one.wait(1) == [("said", {"n": 1, "b": b"\x00"})]


def test_namespaces_share_a_connection(fast):
    heard, theirs = Heard(), Heard()
    client = fast(heard)
    with pytest.raises(ConnectRefused):
        client.join("/locked", theirs, {"token": "wrong"})
    other = client.join("/locked", theirs, {"token": "right"})
    assert other.call("who")[1] == "/locked" and client.call("who")[1] == "/"
    assert other.sid != client.sid
    other.emit("say", 1)
    client.emit("say", 2)
    assert theirs.wait(1) == [("said", 1)] and heard.wait(1) == [("said", 2)]
    other.emit("kick", False)
    with gevent.Timeout(10), pytest.raises(ConnectionEnded):
        other.listen()
    again = client.join("/locked", theirs, {"token": "right"})
    again.leave()
    assert client.call("echo", "still here") == "still here"


def test_a_namespace_that_is_not_there(fast):
    client = fast()
    with pytest.raises(ConnectRefused):
        client.join("/nowhere", Heard())
    assert client.call("echo", 1) == 1


def test_heartbeats_keep_an_idle_connection(start):
    origin = start(pingInterval=100, pingTimeout=200)
    client = SocketIO(origin, Heard())
    ended = gevent.spawn(client.listen)
    ended.join(1.5)
    assert not ended.ready()
    assert client.call("echo", 1) == 1
    client.close()


def test_many_at_once(fast):
    clients = [fast() for _ in range(50)]
    calls = [gevent.spawn(client.call, "echo", number) for number, client in enumerate(clients) for _ in range(20)]
    gevent.joinall(calls, timeout=20)
    assert [call.value for call in calls] == [number for number in range(50) for _ in range(20)]


def test_a_big_message_is_sent_whole_while_the_server_is_busy(fast):
    client = fast()
    parts = ["x" * 400_000] * 2
    calls = [gevent.spawn(client.call, "echo", part) for part in parts]
    gevent.joinall(calls, timeout=20)
    assert [call.value for call in calls] == parts


def test_a_server_that_can_compress_is_not_asked_to(start):
    """Node's compresses everything then, where the client has offered it; python-socketio's cannot."""
    origin = start(perMessageDeflate={"threshold": 0})
    client = SocketIO(origin, Heard(), timeout_seconds=10)
    assert client.call("echo", ("x" * 5000, b"y" * 5000)) == ("x" * 5000, b"y" * 5000)
    client.close()


def test_sent_away_again_and_again_it_connects_again_after_a_wait_each_time(origin):
    waits: list[float] = []
    sids: set[str] = set()

    def live() -> bool:
        client = SocketIO(origin, Heard(), timeout_seconds=10)
        assert client.call("echo", len(sids)) == len(sids)
        sids.add(client.sid)
        client.emit("kick", True)
        with gevent.Timeout(10), pytest.raises(ConnectionEnded):
            client.listen()
        return True

    stay(
        live,
        lambda: len(sids) == 4,
        backoff=Backoff(first_seconds=0.02),
        random=lambda: Random(1),
        record=waits.append,
        sleep=gevent.sleep,
    )
    assert len(waits) == 3 and all(0.01 <= wait <= 0.03 for wait in waits), "each had held: the wait does not double"


def test_until_there_is_a_server_each_attempt_waits_longer(start):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    gone, back = Origin("http", "127.0.0.1", port), start()
    lives: list[bool] = []
    waits: list[float] = []

    def live() -> bool:
        try:
            client = SocketIO(back if len(waits) > 3 else gone, Heard(), timeout_seconds=10)
        except OSError:
            lives.append(False)
            return False
        lives.append(client.call("echo", 1) == 1)
        client.close()
        return True

    stay(
        live,
        lambda: True in lives,
        backoff=Backoff(first_seconds=0.01, jitter=0.0),
        random=lambda: Random(1),
        record=waits.append,
        sleep=gevent.sleep,
    )
    assert lives == [False] * 4 + [True] and waits == [0.01, 0.02, 0.04, 0.08]
