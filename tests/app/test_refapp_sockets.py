"""The classroom over Socket.IO, across two gunicorn workers."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import socketio

from tests.app.refapp_stack import Stack, until

pytestmark = pytest.mark.stack


class Classmate:
    """A socket that remembers what it was sent."""

    def __init__(self, url: str, token: str) -> None:
        self.client = socketio.Client(reconnection=False)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.client.on("chat", self.heard.put)
        self.client.connect(url, auth={"token": token}, transports=["websocket"], wait_timeout=10)
        self.connection = self.client.eio.ws

    def ask(self, event: str, data: object) -> Any:
        return self.client.call(event, data, timeout=10)


def hang_up(client: socketio.Client, connection: Any) -> None:
    """Disconnect, and close what the library leaves open when the server was the first to go."""
    client.disconnect()
    connection.shutdown()


@contextmanager
def classroom(stack: Stack, *names: str) -> Iterator[list[Classmate]]:
    sockets: list[Classmate] = []
    try:
        for name in names:
            sockets.append(Classmate(stack.url, stack.token(name)))
        yield sockets
    finally:
        for socket in sockets:
            hang_up(socket.client, socket.connection)


def open_sockets(stack: Stack) -> float:
    return float(re.search(r"^refapp_sockets_open (\S+)$", stack.call("GET", "/metrics").text, re.M)[1])


def test_a_message_reaches_the_others_once(stack: Stack) -> None:
    names = ["teacher1", *(f"student{place}" for place in range(1, 12))]
    with classroom(stack, *names) as everyone:
        until(lambda: open_sockets(stack) == len(names))
        # Twelve sockets on one of two workers only: once in two thousand runs.
        in_room, outside = everyone[:-1], everyone[-1]
        for socket in in_room:
            assert socket.ask("join", {"lesson_id": 1}) == {"ok": True, "lesson_id": 1}
        outside.ask("join", {"lesson_id": 2})
        said = {"client_id": str(uuid4()), "lesson_id": 1, "text": "What is the second step?"}
        assert in_room[3].ask("chat", said) == {"ok": True, "client_id": said["client_id"]}
        assert stack.rows("SELECT kind FROM acknowledged WHERE client_id = %s", said["client_id"]) == [("message",)]
        assert in_room[3].ask("chat", said)["ok"], "the repeat is acknowledged as well"
        last = said | {"client_id": str(uuid4())}
        in_room[0].ask("chat", last)
        for socket in in_room:
            heard = [
                socket.heard.get(timeout=5)["client_id"] for _ in range(1 if socket in (in_room[0], in_room[3]) else 2)
            ]
            expected = [said["client_id"]] * (socket is not in_room[3]) + [last["client_id"]] * (
                socket is not in_room[0]
            )
            assert sorted(heard) == sorted(expected)
            assert socket.heard.empty()
        assert outside.heard.empty()
        [(_, author)] = stack.rows("SELECT text, user_id FROM messages WHERE client_id = %s", said["client_id"])
        assert author == 303
    until(lambda: open_sockets(stack) == 0)


@pytest.mark.parametrize("auth", [None, {}, {"token": "forged"}, {"token": 7}, "text"])
def test_nobody_connects_without_a_token(stack: Stack, auth: Any) -> None:
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(stack.url, auth=auth, transports=["websocket"], wait_timeout=5)
    hang_up(client, client.eio.ws)


def test_no_long_polling(stack: Stack) -> None:
    assert stack.call("GET", "/socket.io/?EIO=4&transport=polling").status_code == 400


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("join", None),
        ("join", {"lesson_id": 2147483647}),
        ("join", {"lesson_id": "1"}),
        ("chat", {"client_id": "not-in-the-room", "lesson_id": 3, "text": "hello"}),
        ("chat", {"client_id": "no text", "lesson_id": 1}),
        ("chat", {"client_id": "long", "lesson_id": 1, "text": "x" * 2001}),
    ],
)
def test_bad_events_are_acknowledged_as_such(stack: Stack, event: str, data: Any) -> None:
    with classroom(stack, "student1") as [socket]:
        socket.ask("join", {"lesson_id": 1})
        reply = socket.ask(event, data)
        assert reply["ok"] is False
        assert reply["error"]


def test_a_message_too_large_ends_the_connection(stack: Stack) -> None:
    with classroom(stack, "student1") as [socket]:
        socket.client.emit("chat", {"text": "x" * 200_000})
        until(lambda: not socket.client.connected)
