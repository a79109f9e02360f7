"""The people of Lectio Space: teachers and students over HTTP, classrooms over Socket.IO, uploaders of videos.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate. It also runs
by itself, in Locust's closed model::

    PROOFLOAD_CLIP=clip.mp4 locust -f locustfiles/lectio.py --host http://127.0.0.1:8080

Your own locustfile needs: user classes named as your plan's flows name them, derived from ``HttpFlowUser``,
``UploadFlowUser`` or ``ClassroomUser`` (which then also sets ``words``), each with one ``@task`` that is one session;
``first_step`` where a session does not begin with ``POST /login``; and one call of ``install`` at the end. The number
of requests of an HTTP session must be the flow's ``http_steps``, exactly: the arrival rate is computed from it.

PROOFLOAD_TEACHERS, PROOFLOAD_STUDENTS: how many accounts were seeded (without them stage A's 300 and 3,000).
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
from harness.loadgen.upload import UploadFlowUser

TEACHERS = int(os.environ.get("PROOFLOAD_TEACHERS", "300"))
STUDENTS = int(os.environ.get("PROOFLOAD_STUDENTS", "3000"))
NAME = "lectio"
"""Everyone's password, as docker/app/README.md gives it."""

SHARED_ACCOUNTS = 20
"""Accounts that the sockets share: what is measured is the connection, not the login."""

LESSONS_EACH = 20
"""Lessons looked up for each of them before the load: rooms for 4,400 sockets at 11 a room."""


class School:
    """What the preparation found: lessons that exist, and tokens for the sockets."""

    lessons: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()


def prepare(generator: Generator) -> None:
    """Log accounts of as many classes in, and look up the lessons of each: a room is a lesson of its own."""
    apart = max(1, STUDENTS // SHARED_ACCOUNTS)
    numbers = range(1, STUDENTS + 1, apart)[:SHARED_ACCOUNTS]
    School.tokens = tuple(sign_in(generator, NAME, f"student{number}")[1] for number in numbers)
    newest = (look_up(generator, f"/api/lessons?page=1&per_page={LESSONS_EACH}", token) for token in School.tokens)
    lessons = tuple(dict.fromkeys(int(lesson["id"]) for found in newest for lesson in found))
    if not lessons:
        raise GeneratorError("there are no lessons", "GET /api/lessons", "seed the system under load first")
    School.lessons = lessons


class _Person(Person):
    """What teachers and students have in common."""

    abstract = True
    product = NAME

    def see_dashboard(self) -> None:
        """The aggregates of the signed-in user."""
        self.get("/api/dashboard", "GET /api/dashboard", check=lambda reply: isinstance(reply.json, dict))

    def list_lessons(self, page: int = 1) -> int:
        """A page of lessons; one that caught the eye. When the list fails, some other lesson: the session goes on."""
        some = self.random.choice(School.lessons)
        return self.choose(f"/api/lessons?page={page}&per_page=20", "GET /api/lessons", some)

    def read_lesson(self, lesson: int) -> None:
        """One lesson with its attendees and messages."""
        self.get(f"/api/lessons/{lesson}", "GET /api/lessons/:id", check=lambda reply: reply.json["id"] == lesson)

    def open_page(self, lesson: int) -> None:
        """The lesson as an HTML page."""
        self.get(f"/lessons/{lesson}", "GET /lessons/:id", check=lambda reply: b"</html>" in reply.body)

    def write_lesson(self) -> int | None:
        """Create a lesson; its id."""
        return self.write("/api/lessons", "POST /api/lessons", "lesson", _lesson_text())

    def correct_lesson(self, lesson: int) -> None:
        """Change a lesson: a write of its own, kept as a revision."""
        identifier = self.generator.new_id(self.random)
        reply = self.put(
            f"/api/lessons/{lesson}",
            "PUT /api/lessons/:id",
            json_body={"client_id": identifier, **_lesson_text()},
            check=lambda reply: reply.json["client_id"] == identifier and int(reply.json["id"]) > 0,
        )
        if reply.ok:
            self.generator.acknowledged(identifier, "lesson")


def _lesson_text() -> dict[str, Any]:
    return {"title": "Lesson under load", "description": "Prepared under load. " * 10}


class Teacher(_Person):
    """Prepares a lesson: 7 requests."""

    @task
    def prepare_a_lesson(self) -> None:
        """Log in, look around, write a lesson, correct it, look at the page."""
        if self.log_in("teacher", TEACHERS) is None:
            return
        self.see_dashboard()
        known = self.list_lessons()
        self.read_lesson(known)
        written = self.write_lesson()
        if written is not None:  # else there is nothing of their own to correct, and nobody else's may be changed
            self.correct_lesson(written)
        self.open_page(written or known)


class Student(_Person):
    """Looks for a lesson: 6 requests."""

    @task
    def find_a_lesson(self) -> None:
        """Log in, leaf through the list, read a lesson, open its page, see what is due."""
        if self.log_in("student", STUDENTS) is None:
            return
        self.list_lessons()
        lesson = self.list_lessons(page=2)
        self.read_lesson(lesson)
        self.open_page(lesson)
        self.see_dashboard()


class Uploader(_Person, UploadFlowUser):
    """A teacher uploads a video: log in, upload, then ask each second until it is transcoded."""

    @task
    def upload_a_video(self) -> None:
        """The job's end is seen by a poll or by the ``job`` event, whichever comes first."""
        if self.log_in("teacher", TEACHERS) is None:
            return
        identifier = self.generator.new_id(self.random)
        self.listen({"token": self.token}, "job")
        if self.upload("/api/uploads", "POST /api/uploads", identifier):
            self.follow(f"/api/uploads/{identifier}", "GET /api/uploads/:id", identifier)


class LectioWords(Words):
    """A classroom's events, as docker/app/README.md gives them. A room is a lesson."""

    def auth(self, seat: int) -> object:
        """A shared account's token."""
        return {"token": School.tokens[seat % len(School.tokens)]}

    def _lesson(self, room: int) -> int:
        return School.lessons[room % len(School.lessons)]

    def join(self, room: int) -> tuple[str, object]:
        """Enter the lesson's room."""
        return "join", {"lesson_id": self._lesson(room)}

    def joined(self, answer: Any) -> bool:
        """The server says ok."""
        return isinstance(answer, dict) and answer.get("ok") is True

    def message(self, identifier: str, room: int, random: Random) -> tuple[str, object]:
        """A line of chat."""
        text = f"Question {random.randint(1, 999)}: could you show that step again?"
        return "chat", {"client_id": identifier, "lesson_id": self._lesson(room), "text": text}

    def accepted(self, answer: Any, identifier: str) -> bool:
        """Stored, under our id."""
        return isinstance(answer, dict) and answer.get("ok") is True and answer.get("client_id") == identifier

    def heard(self, event: str, data: Any) -> str:
        """Somebody's line of chat."""
        return str(data.get("client_id", "")) if event == "chat" and isinstance(data, dict) else ""


class Classroom(ClassroomUser):
    """Sits in a lesson, hears what is said, says something now and then."""

    words = LectioWords()

    @task
    def sit_in_a_lesson(self) -> None:
        """Connect, join the lesson's room, and stay."""
        self.attend()


install(events, prepare)
