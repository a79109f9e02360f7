"""ChitLaq, as README.md of the application promises it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import socketio

from tests.app.refapp_stack import Stack, running_stack, until

pytestmark = pytest.mark.stack

USERS = 30


@pytest.fixture(scope="module")
def town() -> Iterator[Stack]:
    with running_stack("chitlaq", ("--people", f"users={USERS}")) as running:
        yield running


def words(**values: object) -> dict[str, object]:
    return {"client_id": str(uuid4()), "text": "sun and sea"} | values


class Client:
    """One person's connection."""

    def __init__(self, town: Stack, user: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.arrived = threading.Event()
        self.client = socketio.Client(reconnection=False)
        self.client.on("message", self._hear)
        self.client.connect(town.url, auth={"token": town.token(user)}, transports=["websocket"])

    def _hear(self, data: dict[str, Any]) -> None:
        self.heard.append(data)
        self.arrived.set()

    def call(self, event: str, data: object) -> Any:
        return self.client.call(event, data, timeout=10)


@pytest.fixture
def two(town: Stack) -> Iterator[tuple[Client, Client]]:
    pair = Client(town, "user1"), Client(town, "user2")
    try:
        yield pair
    finally:
        for one in pair:
            one.client.disconnect()


def test_the_audience_has_the_plans_sizes(town: Stack) -> None:
    assert town.rows("SELECT count(*), count(DISTINCT author_id), avg(length(text))::int / 100 FROM posts") == [
        (USERS * 10, USERS, 19)
    ]
    [(messages, size)] = town.rows("SELECT count(*), avg(length(text))::int / 10 FROM private_messages")
    assert (messages, size) == (USERS * 50, 48)
    assert town.rows("SELECT count(*) FROM comments") == [(USERS * 20,)]
    assert town.rows("SELECT count(DISTINCT left(text, 3)) > 10 FROM posts") == [(True,)]


def test_the_feed_is_of_those_one_follows_newest_first(town: Stack) -> None:
    items = town.call("GET", "/api/feed?per_page=50", "user1").json()["items"]
    ids = [item["id"] for item in items]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 50
    followed = {row[0] for row in town.rows("SELECT followed_id FROM follows WHERE follower_id = 1")}
    authors = {row[0] for row in town.rows("SELECT author_id FROM posts WHERE id = ANY(%s)", ids)}
    assert authors <= followed
    assert all(len(item["text"]) <= 280 and item["comments"] >= 2 for item in items)
    with town.web(N_PLUS_ONE="1") as slow:
        again = town.call("GET", "/api/feed?per_page=50", "user1", url=slow).json()["items"]
    assert [item | {"created_at": 0} for item in again] == [item | {"created_at": 0} for item in items]


def test_a_post_is_written_once_and_found(town: Stack) -> None:
    sent = words(text="a zeppelin over the river", image="picture-1")
    first = town.call("POST", "/api/posts", "user3", json=sent)
    assert first.status_code == 201
    assert town.call("POST", "/api/posts", "user3", json=sent).json() == first.json()
    found = town.call("GET", "/api/search?q=Zeppelin+river", "user4").json()["items"]
    assert [item["id"] for item in found] == [first.json()["id"]]
    shown = town.call("GET", f"/api/posts/{first.json()['id']}", "user4").json()
    assert (shown["text"], shown["image"], shown["comments"]) == ("a zeppelin over the river", "picture-1", [])


def test_a_comment_tells_the_author(town: Stack) -> None:
    post = town.call("POST", "/api/posts", "user5", json=words()).json()["id"]
    sent = words(text="well said")
    reply = town.call("POST", f"/api/posts/{post}/comments", "user6", json=sent)
    assert reply.status_code == 201
    assert town.call("POST", f"/api/posts/{post}/comments", "user6", json=sent).json() == reply.json()
    notices = town.call("GET", "/api/notifications", "user5").json()["items"]
    assert (notices[0]["post_id"], notices[0]["seen"]) == (post, False)
    assert [notice["post_id"] for notice in notices].count(post) == 1
    town.call("POST", "/api/notifications/seen", "user5", json={"last": notices[0]["id"]})
    assert all(notice["seen"] for notice in town.call("GET", "/api/notifications", "user5").json()["items"])
    kinds = town.rows("SELECT kind FROM acknowledged WHERE client_id = %s", sent["client_id"])
    assert kinds == [("comment",)]


def test_two_people_talk(two: tuple[Client, Client]) -> None:
    one, other = two
    talk = {"between": [2, 1]}
    assert one.call("open", talk) == {"ok": True, "between": [1, 2]}
    assert other.call("open", {"between": [1, 2]})["ok"]
    sent = words() | talk
    assert one.call("message", sent) == {"ok": True, "client_id": sent["client_id"]}
    assert other.arrived.wait(10)
    assert [message["client_id"] for message in other.heard] == [sent["client_id"]]
    assert one.call("message", sent)["ok"], "known already"
    marker = words() | talk
    one.call("message", marker)
    until(lambda: len(other.heard) > 1)
    assert [message["client_id"] for message in other.heard] == [sent["client_id"], marker["client_id"]]
    assert one.heard == []


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("open", {"between": [2, 3]}),
        ("open", {"between": [1, 1]}),
        ("open", {"between": [1]}),
        ("open", {"between": [1, "2"]}),
        ("open", None),
        ("message", {"between": [1, 9], "client_id": "x", "text": "not opened"}),
        ("message", {"between": [1, 2], "client_id": "no spaces", "text": "x"}),
    ],
)
def test_bad_events_are_acknowledged_as_such(two: tuple[Client, Client], event: str, data: object) -> None:
    assert two[0].call(event, data)["ok"] is False


@pytest.mark.parametrize(
    ("method", "path", "json", "status"),
    [
        ("GET", "/api/posts/999999", None, 404),
        ("GET", "/api/search", None, 400),
        ("GET", "/api/feed?page=0", None, 400),
        ("POST", "/api/posts", words(text=""), 400),
        ("POST", "/api/posts", words(image="no spaces"), 400),
        ("POST", "/api/posts/999999/comments", words(), 404),
        ("POST", "/api/notifications/seen", {"last": "x"}, 400),
    ],
)
def test_what_is_refused(town: Stack, method: str, path: str, json: dict[str, object] | None, status: int) -> None:
    reply = town.call(method, path, "user1", json=json)
    assert (reply.status_code, "error" in reply.json()) == (status, True)
    assert town.call(method, path, json=json).status_code == 401
