"""The people of Course Organizer: they follow their courses, talk in study groups, and share media files.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate; it also runs
by itself, in Locust's closed model (locustfiles/lectio.py says how).

PROOFLOAD_USERS: how many accounts were seeded (without it 2,000).
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

from locust import events, task

from harness.errors import GeneratorError
from harness.loadgen.boot import install
from harness.loadgen.classroom import ClassroomUser
from harness.loadgen.generator import Generator
from harness.loadgen.http import Reply
from harness.loadgen.people import Person, look_up, sign_in
from harness.loadgen.rooms import Words
from harness.loadgen.upload import UploadFlowUser

USERS = int(os.environ.get("PROOFLOAD_USERS", "2000"))
NAME = "course-organizer"
"""Everyone's password, as docker/app/README.md gives it."""

SHARED_ACCOUNTS = 20
"""Accounts that the sockets share: what is measured is the connection, not the login."""
USERS_TO_A_GROUP = 10
"""Of the seed: the groups are 1 to users ÷ 10."""


class Campus:
    """What the preparation found: tokens for the sockets."""

    tokens: tuple[str, ...] = ()


def prepare(generator: Generator) -> None:
    """Log the sockets' accounts in. Raises GeneratorError."""
    apart = max(1, USERS // SHARED_ACCOUNTS)
    numbers = range(1, USERS + 1, apart)[:SHARED_ACCOUNTS]
    Campus.tokens = tuple(sign_in(generator, NAME, f"user{number}")[1] for number in numbers)
    if not look_up(generator, "/api/groups", Campus.tokens[0]):
        raise GeneratorError("there are no study groups", "GET /api/groups", "seed the system under load first")


class _Person(Person):
    """What everybody does."""

    abstract = True
    product = NAME

    def read_timeline(self, course: int) -> None:
        """What is due in a course."""
        self.get(
            f"/api/courses/{course}/timeline",
            "GET /api/courses/:id/timeline",
            check=lambda reply: reply.json["course"] == course,
        )

    def read_messages(self, group: int) -> None:
        """A group's messages, newest first."""
        self.get(f"/api/groups/{group}/messages", "GET /api/groups/:id/messages", check=_newest_first)


def _newest_first(reply: Reply) -> bool:
    times = [item["created_at"] for item in reply.json["items"]]
    return times == sorted(times, reverse=True)


class Reader(_Person):
    """Catches up: 5 requests."""

    @task
    def catch_up(self) -> None:
        """Look at a course's timeline and at a group's messages."""
        if self.log_in("user", USERS) is None:
            return
        self.read_timeline(self.choose("/api/courses", "GET /api/courses", 1))
        self.read_messages(self.choose("/api/groups", "GET /api/groups", 1))


class Organizer(_Person):
    """Plans for the others: 7 requests."""

    @task
    def plan_ahead(self) -> None:
        """Put something on a timeline, tell a group."""
        if self.log_in("user", USERS) is None:
            return
        course = self.choose("/api/courses", "GET /api/courses", 1)
        self.read_timeline(course)
        item = {"title": "Due under load", "body": "Prepared under load. " * 20}
        self.write(f"/api/courses/{course}/timeline", "POST /api/courses/:id/timeline", "item", item)
        group = self.choose("/api/groups", "GET /api/groups", 1)
        self.write(
            f"/api/groups/{group}/messages",
            "POST /api/groups/:id/messages",
            "message",
            {"text": "I have put something on the timeline."},
        )
        self.read_messages(group)


class Sharer(_Person, UploadFlowUser):
    """Shares a media file: log in, upload, then ask each second until its preview is there."""

    @task
    def share_a_file(self) -> None:
        """The job's end is seen by a poll or by the ``job`` event, whichever comes first."""
        if self.log_in("user", USERS) is None:
            return
        identifier = self.generator.new_id(self.random)
        self.listen({"token": self.token}, "job")
        if self.upload("/api/uploads", "POST /api/uploads", identifier):
            self.follow(f"/api/uploads/{identifier}", "GET /api/uploads/:id", identifier)


class GroupWords(Words):
    """A study group's events. A room is a group."""

    def auth(self, seat: int) -> object:
        """A shared account's token."""
        return {"token": Campus.tokens[seat % len(Campus.tokens)]}

    def _group(self, room: int) -> int:
        return 1 + room % max(1, USERS // USERS_TO_A_GROUP)

    def join(self, room: int) -> tuple[str, object]:
        """Enter the group's room."""
        return "join_group", {"group_id": self._group(room)}

    def joined(self, answer: Any) -> bool:
        """The server says ok."""
        return isinstance(answer, dict) and answer.get("ok") is True

    def message(self, identifier: str, room: int, random: Random) -> tuple[str, object]:
        """A line of chat."""
        text = f"Exercise {random.randint(1, 99)}: who has solved it?"
        return "group_message", {"client_id": identifier, "group_id": self._group(room), "text": text}

    def accepted(self, answer: Any, identifier: str) -> bool:
        """Stored, under our id."""
        return isinstance(answer, dict) and answer.get("ok") is True and answer.get("client_id") == identifier

    def heard(self, event: str, data: Any) -> str:
        """Somebody's line of chat."""
        return str(data.get("client_id", "")) if event == "group_message" and isinstance(data, dict) else ""


class GroupMember(ClassroomUser):
    """Sits in a study group, hears what is said, says something now and then."""

    words = GroupWords()

    @task
    def study_together(self) -> None:
        """Connect, join the group's room, and stay."""
        self.attend()


install(events, prepare)
