"""The people of Mina: they look meetings up, see analytics, write, and have what they say transcribed.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate; it also runs
by itself, in Locust's closed model (locustfiles/lectio.py says how).

PROOFLOAD_USERS: how many accounts were seeded (without it 100).
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
from harness.loadgen.people import Person, look_up, sign_in
from harness.loadgen.rooms import Words

USERS = int(os.environ.get("PROOFLOAD_USERS", "100"))
NAME = "mina"
"""Everyone's password, as docker/app/README.md gives it."""

SHARED_ACCOUNTS = 20
"""Accounts that the sockets share: what is measured is the connection, not the login."""

CHUNK = Random(7).randbytes(16_000)
"""500 ms of 16 kHz and 16 bits, as the plan has it. The stand-in of the external service does not listen."""


class Office:
    """What the preparation found: tokens for the sockets."""

    tokens: tuple[str, ...] = ()


def prepare(generator: Generator) -> None:
    """Log the sockets' accounts in. Raises GeneratorError."""
    apart = max(1, USERS // SHARED_ACCOUNTS)
    numbers = range(1, USERS + 1, apart)[:SHARED_ACCOUNTS]
    Office.tokens = tuple(sign_in(generator, NAME, f"user{number}")[1] for number in numbers)
    if not look_up(generator, "/api/meetings", Office.tokens[0]):
        raise GeneratorError("there are no meetings", "GET /api/meetings", "seed the system under load first")


class _Person(Person):
    """What everybody does."""

    abstract = True
    product = NAME

    def find_meeting(self) -> int:
        """One of the user's meetings; the first of all when the list fails."""
        return self.choose("/api/meetings?page=1", "GET /api/meetings", 1)

    def view_meetings(self) -> None:
        """The list as a page."""
        self.get("/meetings", "GET /meetings", check=lambda reply: b"</html>" in reply.body)

    def read_meeting(self, meeting: int) -> None:
        """A meeting with its participants and tasks."""
        self.get(f"/api/meetings/{meeting}", "GET /api/meetings/:id", check=lambda reply: reply.json["id"] == meeting)


class Reader(_Person):
    """Looks a meeting up: 5 requests, two of them page views."""

    @task
    def look_a_meeting_up(self) -> None:
        """Open the page, leaf through the list, read one, and go back to the page."""
        if self.log_in("user", USERS) is None:
            return
        self.view_meetings()
        self.read_meeting(self.find_meeting())
        self.view_meetings()


class Analyst(_Person):
    """Looks at how meetings go: 5 requests, two of them page views."""

    @task
    def see_analytics(self) -> None:
        """Open the page, then the dashboard and the trends, and go back to the page."""
        if self.log_in("user", USERS) is None:
            return
        self.view_meetings()
        self.get(
            "/api/analytics/dashboard", "GET /api/analytics/dashboard", check=lambda reply: reply.json["meetings"] > 0
        )
        self.get("/api/analytics/trends", "GET /api/analytics/trends", check=lambda reply: bool(reply.json["days"]))
        self.view_meetings()


class Host(_Person):
    """Holds a meeting: 5 requests."""

    @task
    def hold_a_meeting(self) -> None:
        """Write a meeting down, give a task to somebody, look at the list again."""
        if self.log_in("user", USERS) is None:
            return
        meeting = self.write("/api/meetings", "POST /api/meetings", "meeting", {"title": "Held under load"})
        meeting = meeting or self.find_meeting()
        self.write("/api/tasks", "POST /api/tasks", "task", {"meeting_id": meeting, "title": "To be done under load"})
        self.read_meeting(meeting)
        self.find_meeting()


class AudioWords(Words):
    """A session's events. A room is one speaker, so the plan's room size is 1; chunks are no writes that last."""

    durable = False

    def auth(self, seat: int) -> object:
        """A shared account's token."""
        return {"token": Office.tokens[seat % len(Office.tokens)]}

    def join(self, room: int) -> tuple[str, object]:
        """Start the session."""
        return "start", {"session": f"session-{room}"}

    def joined(self, answer: Any) -> bool:
        """The server says ok."""
        return isinstance(answer, dict) and answer.get("ok") is True

    def message(self, identifier: str, room: int, random: Random) -> tuple[str, object]:
        """Half a second of speech."""
        return "audio", {"client_id": identifier, "session": f"session-{room}", "chunk": CHUNK}

    def accepted(self, answer: Any, identifier: str) -> bool:
        """Taken, under our id."""
        return isinstance(answer, dict) and answer.get("ok") is True and answer.get("client_id") == identifier

    def owed(self, answer: Any) -> bool:
        """A chunk that completes a window will come back as text."""
        return isinstance(answer, dict) and answer.get("queued") is True

    def heard(self, event: str, data: Any) -> str:
        """What was said in a window."""
        return str(data.get("client_id", "")) if event == "transcript" and isinstance(data, dict) else ""


class Speaker(ClassroomUser):
    """Has a session open and speaks."""

    words = AudioWords()

    @task
    def speak(self) -> None:
        """Connect, start the session, and stay."""
        self.attend()


install(events, prepare)
