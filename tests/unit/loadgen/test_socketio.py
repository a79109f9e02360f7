"""What the Socket.IO client makes of a server's messages, and what it says: over a WebSocket that is a script.

Real servers: tests/loadgen, tests/app.
"""

from __future__ import annotations

import json
from collections import deque

import gevent
import pytest

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError, TimedOut
from harness.loadgen.socketio import ConnectRefused, SocketIO, client

HELLO = '0{"sid":"x","pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}'
IN = '40{"sid":"y"}'


class Script:
    """Says one message after the other, inside the loop, as a WebSocket does; then the connection just ends."""

    def __init__(self, *messages):
        self.messages, self.sent, self.ended = deque(messages), [], None
        self.heard_at = gevent.get_hub().loop.now()
        self.reads = 0

    def start(self, on_message, on_end):
        self.on_message, self.on_end = on_message, on_end
        gevent.get_hub().loop.run_callback(self.say)

    def say(self):
        while self.messages and self.ended is None:
            message = self.messages.popleft()
            if message is None:  # from here on only when it is asked
                return
            try:
                self.on_message(message)
            except Exception as error:
                self.end(error)
                return
        if self.ended is None:
            self.end(ConnectionEnded())

    def read(self, now, to_the_end):
        self.reads += 1

    def send(self, text, attachments=()):
        if self.ended is not None:
            raise self.ended
        self.sent.append((text, *attachments) if attachments else text)

    def say_goodbye(self):
        self.sent.append("goodbye")

    def close(self):
        self.end(ConnectionEnded())

    def end(self, cause):
        if self.ended is None:
            self.ended = cause
            self.on_end(cause)


@pytest.fixture
def connect(monkeypatch):
    def start(*messages, hello=(HELLO, IN), answer=None, **options):
        script, heard = Script(*hello, *messages), []
        monkeypatch.setattr(client, "WebSocket", lambda *_: script)

        def on_event(event, data):
            heard.append((event, data))
            return answer

        return SocketIO(Origin.parse("http://127.0.0.1:1"), on_event, **options), script, heard

    return start


def test_connecting_with_a_token(connect):
    client, script, _ = connect(None, auth={"token": "t"})
    assert script.sent == ['40{"token":"t"}']
    assert (client.sid, client.name) == ("y", "/")


def test_a_namespace_to_begin_with(connect):
    client, script, heard = connect('42/a,["x",1]', '42["other",1]', hello=(HELLO, '40/a,{"sid":"z"}'), namespace="/a")
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert script.sent == ["40/a,"] and client.sid == "z" and heard == [("x", 1)]


def test_events_acknowledgements_and_heartbeats(connect):
    client, script, heard = connect(
        None,
        '42["chat",{"client_id":"a"}]',
        '430[{"no":"one asked"}]',
        '431[{"ok":true}]',
        "2",
        "2probe",
        '42["job",{"n":1},2]',
        '4217["x"]',
        "6",
        "3",
    )
    answers = []
    client.emit("chat", {"text": "ü"}, answers.append)
    assert client.unacknowledged == 1
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert heard == [("chat", {"client_id": "a"}), ("job", ({"n": 1}, 2)), ("x", None)]
    assert answers == [{"ok": True}] and client.unacknowledged == 0
    chat = json.dumps(["chat", {"text": "ü"}], separators=(",", ":"))
    assert script.sent == ["40", f"421{chat}", "3", "3probe", "4317[]"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "437[]"),
        (1, "437[1]"),
        ((1, "a"), '437[1,"a"]'),
        ([1, 2], "437[[1,2]]"),
        (b"b", ('461-7[{"_placeholder":true,"num":0}]', b"b")),
    ],
)
def test_what_a_handler_returns_acknowledges_the_event(connect, answer, said):
    client, script, _ = connect('427["ask",1]', answer=answer)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert script.sent == ["40", said]


def test_binary_events_and_acknowledgements_wait_for_their_attachments(connect):
    client, script, heard = connect(
        None,
        '452-["audio",{"_placeholder":true,"num":1},{"x":[{"_placeholder":true,"num":0}]}]',
        b"first",
        b"second",
        '461-1[{"_placeholder":true,"num":0}]',
        b"third",
        '450-["none"]',
    )
    answers = []
    client.emit("audio", {"chunk": b"\x00\x01"}, answers.append)
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert heard == [("audio", (b"second", {"x": [b"first"]})), ("none", None)] and answers == [b"third"]
    assert script.sent[1] == ('451-1["audio",{"chunk":{"_placeholder":true,"num":0}}]', b"\x00\x01")


def test_a_call_waits_for_its_own_answer_and_hears_what_comes_before(connect):
    client, script, heard = connect(None, '42["chat",{"client_id":"a"}]', '431[{"ok":true}]', None)
    gevent.get_hub().loop.run_callback(script.say)
    assert client.call("join", {"lesson_id": 3}) == {"ok": True}
    assert heard == [("chat", {"client_id": "a"})]


def test_calls_of_several_greenlets_at_once(connect):
    client, script, _ = connect(None, "432[2]", "431[1]", "433[3,4]")
    calls = [gevent.spawn(client.call, "x") for _ in range(3)]
    gevent.idle()
    gevent.get_hub().loop.run_callback(script.say)
    assert [call.get() for call in calls] == [1, 2, (3, 4)]


def test_a_call_without_an_answer(connect):
    client, _, _ = connect(None)
    with pytest.raises(TimedOut):
        client.call("x", timeout_seconds=0.01)
    assert client.unacknowledged == 0


def test_who_waits_is_told_of_the_end_and_so_is_who_comes_later(connect):
    client, script, _ = connect(None)
    waiting = [gevent.spawn(client.call, "x"), gevent.spawn(client.listen), gevent.spawn(client.listen)]
    gevent.idle()
    script.end(ConnectionResetError())
    for one in waiting:
        with pytest.raises(ConnectionResetError):
            one.get()
    for late in (client.listen, lambda: client.emit("x"), lambda: client.call("x"), lambda: client.join("/a", print)):
        with pytest.raises(ConnectionResetError):
            late()
    client.leave()
    client.close()


def test_namespaces_share_a_connection_and_end_each_by_itself(connect):
    client, script, heard = connect(None, '40/a,{"sid":"z"}', None, '42/a,["x"]', '42["y"]', "41/a,", None, '42["z"]')
    theirs = []
    gevent.get_hub().loop.run_callback(script.say)
    other = client.join("/a", lambda event, data: theirs.append(event), {"k": 1})
    with pytest.raises(ValueError, match="open already"):
        client.join("/a", print)
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectionEnded):
        other.listen()
    with pytest.raises(ConnectionEnded):
        other.emit("x")
    assert (other.name, other.sid, theirs) == ("/a", "z", ["x"])
    client.emit("still")
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert [event for event, _ in heard] == ["y", "z"]
    assert script.sent == ["40", '40/a,{"k":1}', '42["still"]']


def test_a_namespace_that_is_left_hears_no_more_and_the_others_do(connect):
    client, script, heard = connect(None, '40/a,{"sid":"z"}', None, '42/a,["x"]', '42["y"]')
    gevent.get_hub().loop.run_callback(script.say)
    other = client.join("/a", lambda event, data: pytest.fail("left"))
    other.leave()
    other.leave()
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert heard == [("y", None)] and script.sent[-1] == "41/a,"


def test_a_refused_namespace_leaves_the_others_alone(connect):
    client, script, _ = connect(None, '44/a,{"message":"no","data":7}', None)
    gevent.get_hub().loop.run_callback(script.say)
    with pytest.raises(ConnectRefused) as refused:
        client.join("/a", print)
    assert refused.value.reason == {"message": "no", "data": 7}
    client.emit("still")


def test_a_refused_token(connect):
    with pytest.raises(ConnectRefused) as refused:
        connect(hello=(HELLO, '44{"message":"no"}'))
    assert refused.value.reason == {"message": "no"}


def test_a_server_that_never_lets_in(connect):
    with pytest.raises(TimedOut):
        connect(None, hello=(HELLO,), timeout_seconds=0.01)
    with pytest.raises(TimedOut):
        connect(None, hello=(), timeout_seconds=0.01)


@pytest.mark.parametrize("message", ["41", "1"])
def test_the_server_says_goodbye(connect, message):
    client, script, _ = connect(message, None)
    with pytest.raises(ConnectionEnded):
        client.listen()
    assert script.ended is not None


def test_leaving_is_polite(connect):
    client, script, _ = connect(None)
    client.leave()
    assert script.sent == ["40", "41", "goodbye"]


@pytest.mark.parametrize(
    "messages",
    [
        ["42nonsense"],
        ['42{"a":1}'],
        ["42[1]"],
        ["42[]"],
        ["43{}"],
        ["9"],
        ["51-[]"],
        [""],
        ["48"],
        [HELLO],
        [b"attachment to nothing"],
        ['451-["x",{"_placeholder":true,"num":0}]', '42["y"]'],
        ['451-["x",{"_placeholder":true,"num":1}]', b"a"],
        ['4599999-["x"]'],
    ],
)
def test_a_broken_packet(connect, messages):
    client, _, _ = connect(*messages)
    with pytest.raises(ProtocolError):
        client.listen()


@pytest.mark.parametrize(
    "hello",
    [
        "40",
        '0{"sid":"x"}',
        "0[]",
        "0" + "[" * 100_000,
        "hello",
        b"x",
        '0{"pingInterval":0,"pingTimeout":0}',
        '0{"pingInterval":1e400,"pingTimeout":1}',
        '0{"pingInterval":NaN,"pingTimeout":1}',
        '0{"pingInterval":"a","pingTimeout":"b"}',
    ],
)
def test_no_engine_io(connect, hello):
    with pytest.raises(ProtocolError):
        connect(hello=(hello,))


def test_a_handlers_mistake_is_its_owners(connect):
    client, _, _ = connect('42["x",1]', '42["y"]')
    client._on_event = lambda event, data: data["no such thing"]
    with pytest.raises(TypeError):
        client.listen()


def test_a_silent_server_is_dead_after_its_interval_and_timeout(connect):
    client, script, _ = connect(None, hello=('0{"pingInterval":20,"pingTimeout":10}', IN))
    began = gevent.get_hub().loop.now()
    with pytest.raises(TimedOut):
        client.listen()
    assert 0.025 < gevent.get_hub().loop.now() - began < 1
    assert script.reads >= 1, "what waits unread is looked at first"


def test_a_server_that_has_spoken_is_alive(connect):
    client, script, _ = connect(None, hello=('0{"pingInterval":20,"pingTimeout":10}', IN))
    loop, spoken = gevent.get_hub().loop, []

    def read(now, to_the_end):
        spoken.append(None)
        if len(spoken) < 4:
            script.heard_at = now

    script.read = read
    began = loop.now()
    with pytest.raises(TimedOut):
        client.listen()
    assert len(spoken) == 4 and loop.now() - began > 0.09
