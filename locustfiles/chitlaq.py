"""The people of ChitLaq: they read their feed, write, upload pictures, and talk with each other.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate; it also runs
by itself, in Locust's closed model (locustfiles/lectio.py says how).

PROOFLOAD_USERS: how many accounts were seeded (without it 1,000).
"""

from __future__ import annotations

import os
from itertools import combinations
from random import Random
from typing import Any

from locust import events, task

from harness.errors import GeneratorError
from harness.loadgen.boot import install
from harness.loadgen.classroom import ClassroomUser
from harness.loadgen.generator import Generator
from harness.loadgen.http import HttpFlowUser, Reply, request_plainly
from harness.loadgen.rooms import Words
from harness.loadgen.upload import UploadFlowUser

USERS = int(os.environ.get("PROOFLOAD_USERS", "1000"))
NAME = "chitlaq"
"""Everyone's password, as docker/app/README.md gives it."""
WORDS = [
    "sun",
    "rain",
    "tea",
    "train",
    "exam",
    "football",
    "sea",
    "phone",
    "song",
    "market",
    "bread",
    "night",
    "river",
    "film",
    "cat",
]
"""What is written about, and searched for."""

TALKERS = 80
"""Accounts that the sockets share: 3,160 different pairs, so that two sockets have a conversation of their own."""


class Town:
    """What the preparation found: pairs of accounts that talk, by id, and their tokens."""

    pairs: tuple[tuple[int, int], ...] = ()
    tokens: dict[int, str] = {}  # noqa: RUF012  # filled once, before the load


def prepare(generator: Generator) -> None:
    """Log accounts in for as many conversations as there can be. Raises GeneratorError."""
    for number in range(1, min(USERS, TALKERS) + 1):
        account = {"email": f"user{number}@{NAME}.test", "password": NAME}
        answer = request_plainly(generator.origin, "POST", "/login", json_body=account)
        Town.tokens[int(answer["user"]["id"])] = str(answer["token"])
    Town.pairs = tuple(combinations(Town.tokens, 2))
    if not Town.pairs:
        raise GeneratorError("nobody has anyone to talk with", "PROOFLOAD_USERS", "seed at least two users")


class _Person(HttpFlowUser):
    """What everybody does."""

    abstract = True

    def log_in(self) -> bool:
        """As one of the seeded accounts. Whoever cannot log in goes away."""
        reply = self.post(
            "/login",
            "POST /login",
            json_body={"email": f"user{self.random.randint(1, USERS)}@{NAME}.test", "password": NAME},
            check=lambda reply: bool(reply.json["token"]),
        )
        if reply.ok:
            self.token = str(reply.json["token"])
        return reply.ok

    def scroll(self, page: int) -> int:
        """A page of the feed; a post that caught the eye, some seeded one when there is none."""
        reply = self.get(f"/api/feed?page={page}&per_page=20", "GET /api/feed", check=_is_list)
        items = reply.json["items"] if reply.ok else []
        return int(self.random.choice(items)["id"]) if items else self.random.randint(1, USERS)

    def read(self, post: int) -> None:
        """A post with its comments."""
        self.get(f"/api/posts/{post}", "GET /api/posts/:id", check=lambda reply: reply.json["id"] == post)

    def write(self, path: str, endpoint: str, kind: str, values: dict[str, Any]) -> None:
        """A write with an id of our own, acknowledged by the server."""
        identifier = self.generator.new_id(self.random)
        reply = self.post(
            path,
            endpoint,
            json_body={"client_id": identifier, **values},
            expect=201,
            check=lambda reply: reply.json["client_id"] == identifier and int(reply.json["id"]) > 0,
        )
        if reply.ok:
            self.generator.acknowledged(identifier, kind)


def _is_list(reply: Reply) -> bool:
    return isinstance(reply.json["items"], list) and all("id" in item for item in reply.json["items"])


class Reader(_Person):
    """Reads: 6 requests."""

    @task
    def read_the_feed(self) -> None:
        """Scroll, read a post, search, look at what is new."""
        if not self.log_in():
            return
        self.scroll(1)
        self.read(self.scroll(2))
        self.get(f"/api/search?q={self.random.choice(WORDS)}", "GET /api/search", check=_is_list)
        self.get("/api/notifications", "GET /api/notifications", check=_is_list)


class Writer(_Person):
    """Writes: 7 requests."""

    @task
    def write_something(self) -> None:
        """Look at what is new, read a post, comment on it, write a post."""
        if not self.log_in():
            return
        reply = self.get("/api/notifications", "GET /api/notifications", check=_is_list)
        items = reply.json["items"] if reply.ok else []
        last = max((int(item["id"]) for item in items), default=1)
        self.post(
            "/api/notifications/seen",
            "POST /api/notifications/seen",
            json_body={"last": last},
            check=lambda reply: reply.json["last"] == last,
        )
        post = self.scroll(1)
        self.read(post)
        self.write(
            f"/api/posts/{post}/comments", "POST /api/posts/:id/comments", "comment", {"text": "Said under load. " * 6}
        )
        text = f"{self.random.choice(WORDS)} " + "Written under load. " * 95
        self.write("/api/posts", "POST /api/posts", "post", {"text": text})


class Photographer(_Person, UploadFlowUser):
    """Uploads a picture: log in, upload, then ask each second until it is resized."""

    @task
    def upload_a_picture(self) -> None:
        """The job's end is seen by a poll or by the ``job`` event, whichever comes first."""
        if not self.log_in():
            return
        identifier = self.generator.new_id(self.random)
        self.listen({"token": self.token}, "job")
        if self.upload("/api/uploads", "POST /api/uploads", identifier):
            self.follow(f"/api/uploads/{identifier}", "GET /api/uploads/:id", identifier)


class PrivateWords(Words):
    """A conversation's events. A room is a pair of people, so the plan's room size is 2."""

    def _pair(self, room: int) -> tuple[int, int]:
        return Town.pairs[room % len(Town.pairs)]

    def auth(self, seat: int) -> object:
        """The token of one of the pair."""
        return {"token": Town.tokens[self._pair(seat // 2)[seat % 2]]}

    def join(self, room: int) -> tuple[str, object]:
        """Open the conversation."""
        return "open", {"between": list(self._pair(room))}

    def joined(self, answer: Any) -> bool:
        """The server says ok."""
        return isinstance(answer, dict) and answer.get("ok") is True

    def message(self, identifier: str, room: int, random: Random) -> tuple[str, object]:
        """A message of the plan's 500 bytes."""
        text = f"{random.choice(WORDS)} " + "Said in private. " * 28
        return "message", {"client_id": identifier, "between": list(self._pair(room)), "text": text}

    def accepted(self, answer: Any, identifier: str) -> bool:
        """Stored, under our id."""
        return isinstance(answer, dict) and answer.get("ok") is True and answer.get("client_id") == identifier

    def heard(self, event: str, data: Any) -> str:
        """The other's message."""
        return str(data.get("client_id", "")) if event == "message" and isinstance(data, dict) else ""


class Talker(ClassroomUser):
    """Has a conversation open, and says something now and then."""

    words = PrivateWords()

    @task
    def talk(self) -> None:
        """Connect, open the conversation, and stay."""
        self.attend()


install(events, prepare)
