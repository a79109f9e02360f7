"""What people do, for the system whose TOML file lies beside this one: a class for each of its flows.

Under ``proofload`` each class serves the flow that names it (``user_class``), at the plan's arrival rate. It also runs
by itself: ``locust -f THIS_FILE --host http://127.0.0.1:8080 --headless -u 4 -t 10s``.

A ``@task`` is one session. It makes exactly the flow's ``http_steps`` requests, whatever the answers are. Between two
of them a person thinks (``think_time``), by itself: no sleeps here.
"""

from __future__ import annotations

from locust import events, task

from harness.loadgen.boot import install
from harness.loadgen.generator import Generator
from harness.loadgen.http import HttpFlowUser, request_plainly

ACCOUNT = {"email": "teacher1@lectio.test", "password": "lectio"}
"""The reference application's; an application of your own has others. Real secrets belong into os.environ."""


def prepare(generator: Generator) -> None:
    """Called once before the load, unrecorded. Raises GeneratorError when the system cannot be used."""
    request_plainly(generator.origin, "POST", "/login", json_body=ACCOUNT)


class _Person(HttpFlowUser):
    """What all of them have in common. A leading underscore: no flow's class."""

    abstract = True
    first_step = ("POST /login", "http")  # a session that never starts counts here

    def sign_in(self) -> bool:
        """Keep the token, which every later request then carries as Bearer."""
        reply = self.post("/login", "POST /login", json_body=ACCOUNT, check=lambda reply: bool(reply.json["token"]))
        if reply.ok:
            self.token = reply.json["token"]
        return reply.ok


class Reader(_Person):
    """Looks around: 4 requests."""

    @task
    def look_around(self) -> None:
        """The second word of a request is the name that it has in the report: one for all of its kind."""
        if not self.sign_in():
            return
        reply = self.get(
            "/api/lessons?page=1", "GET /api/lessons", check=lambda reply: isinstance(reply.json["items"], list)
        )
        items = reply.json["items"] if reply.ok else []
        lesson = self.random.choice(items)["id"] if items else 1  # self.random: the same choices for the same --seed
        self.get(f"/api/lessons/{lesson}", "GET /api/lessons/:id", check=lambda reply: reply.json["id"] == lesson)
        self.get("/api/dashboard", "GET /api/dashboard")


class Writer(_Person):
    """Writes something: 2 requests."""

    @task
    def write(self) -> None:
        """An id of our own, so that Proofload can ask the database whether what was acknowledged is stored."""
        if not self.sign_in():
            return
        identifier = self.generator.new_id(self.random)
        written = {"client_id": identifier, "title": "Written under load", "description": "So it is."}
        if self.post("/api/lessons", "POST /api/lessons", json_body=written, expect=201).ok:
            self.generator.acknowledged(identifier, "lesson")


install(events, prepare)
