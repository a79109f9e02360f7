"""The people of a flight school: instructors and students over HTTP, and scanned documents that are uploaded.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate; it also runs
by itself, in Locust's closed model (locustfiles/lectio.py says how).

PROOFLOAD_INSTRUCTORS, PROOFLOAD_STUDENTS: how many accounts were seeded (without them the MVP's 12 and 88).
"""

from __future__ import annotations

import os
from typing import Any

from locust import events, task

from harness.errors import GeneratorError
from harness.loadgen.boot import install
from harness.loadgen.generator import Generator
from harness.loadgen.http import HttpFlowUser, Reply, request_plainly
from harness.loadgen.upload import UploadFlowUser

INSTRUCTORS = int(os.environ.get("PROOFLOAD_INSTRUCTORS", "12"))
STUDENTS = int(os.environ.get("PROOFLOAD_STUDENTS", "88"))
NAME = "flight-school"
"""Everyone's password, as docker/app/README.md gives it."""


def prepare(generator: Generator) -> None:
    """Look whether the school is there: sign one account in and ask for its plans. Raises GeneratorError."""
    account = {"email": f"instructor1@{NAME}.test", "password": NAME}
    token = request_plainly(generator.origin, "POST", "/login", json_body=account)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    if not request_plainly(generator.origin, "GET", "/api/plans", headers=headers)["items"]:
        raise GeneratorError("there are no lesson plans", "GET /api/plans", "seed the system under load first")


class _Person(HttpFlowUser):
    """What instructors and students have in common."""

    abstract = True

    def log_in(self, role: str, how_many: int) -> int | None:
        """As one of the seeded accounts; its id. Whoever cannot log in goes away."""
        reply = self.post(
            "/login",
            "POST /login",
            json_body={"email": f"{role}{self.random.randint(1, how_many)}@{NAME}.test", "password": NAME},
            check=lambda reply: bool(reply.json["token"]),
        )
        if not reply.ok:
            return None
        self.token = str(reply.json["token"])
        return int(reply.json["user"]["id"])

    def choose_plan(self) -> int | None:
        """A page of lesson plans, and one of them read."""
        reply = self.get("/api/plans?page=1&per_page=20", "GET /api/plans", check=_is_list)
        items = reply.json["items"] if reply.ok else []
        if not items:
            return None
        plan = int(self.random.choice(items)["id"])
        self.get(f"/api/plans/{plan}", "GET /api/plans/:id", check=lambda reply: reply.json["id"] == plan)
        return plan

    def see_progress(self, student: int) -> None:
        """The summary that is kept in the cache."""
        self.get(
            f"/api/students/{student}/progress",
            "GET /api/students/:id/progress",
            check=lambda reply: reply.json["student"] == student,
        )

    def open_page(self, student: int) -> None:
        """The summary as an HTML page."""
        self.get(f"/students/{student}", "GET /students/:id", check=lambda reply: b"</html>" in reply.body)

    def write(self, path: str, kind: str, values: dict[str, Any]) -> None:
        """A write with an id of our own, acknowledged by the server."""
        identifier = self.generator.new_id(self.random)
        reply = self.post(
            path,
            f"POST {path}",
            json_body={"client_id": identifier, **values},
            expect=201,
            check=lambda reply: reply.json["client_id"] == identifier and int(reply.json["id"]) > 0,
        )
        if reply.ok:
            self.generator.acknowledged(identifier, kind)


def _is_list(reply: Reply) -> bool:
    return isinstance(reply.json["items"], list) and all("id" in item for item in reply.json["items"])


class Instructor(_Person):
    """Debriefs a student: 8 requests."""

    @task
    def debrief(self) -> None:
        """One student's progress, the plan that was flown; log the flight, plan the next one, show the page."""
        if self.log_in("instructor", INSTRUCTORS) is None:
            return
        reply = self.get("/api/students", "GET /api/students", check=_is_list)
        students = reply.json["items"] if reply.ok else []
        if not students:
            return
        student = int(self.random.choice(students)["id"])
        self.see_progress(student)
        plan = self.choose_plan()
        if plan is None:
            return
        flown = {
            "student_id": student,
            "plan_id": plan,
            "minutes": self.random.randint(40, 120),
            "grade": self.random.randint(1, 5),
            "remarks": "Flown under load. " * 6,
        }
        self.write("/api/flights", "flight", flown)
        self.write("/api/plans", "plan", {"title": "Next lesson", "content": "To be flown under load. " * 80})
        self.open_page(student)


class Student(_Person):
    """Prepares for a lesson: 5 requests."""

    @task
    def prepare_for_a_lesson(self) -> None:
        """See one's progress, read a plan, open the page."""
        me = self.log_in("student", STUDENTS)
        if me is None:
            return
        self.see_progress(me)
        self.choose_plan()
        self.open_page(me)


class Uploader(_Person, UploadFlowUser):
    """An instructor scans a document: log in, upload, then ask each second until it is compressed."""

    @task
    def upload_a_scan(self) -> None:
        """The job's end is seen by a poll or by the ``job`` event, whichever comes first."""
        if self.log_in("instructor", INSTRUCTORS) is None:
            return
        identifier = self.generator.new_id(self.random)
        self.listen({"token": self.token}, "job")
        if self.upload("/api/uploads", "POST /api/uploads", identifier):
            self.follow(f"/api/uploads/{identifier}", "GET /api/uploads/:id", identifier)


install(events, prepare)
