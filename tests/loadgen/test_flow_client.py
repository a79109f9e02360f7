"""A plan's flow that uses ``self.client``: recorded as every other request."""

from __future__ import annotations

from dataclasses import replace

from tests.loadgen.conftest import make_plan

LOCUSTFILE = """
from locust import events, task
from harness.loadgen.boot import install
from harness.loadgen.http import HttpFlowUser

class Student(HttpFlowUser):
    first_step = ("POST /login", "http")

    @task
    def study(self):
        account = {"email": "student1@lectio.test", "password": "lectio"}
        with self.client.post("/login", json=account, name="POST /login", catch_response=True) as answer:
            self.token = answer.json()["token"]
        self.client.get("/api/dashboard", name="GET /api/dashboard")
        with self.client.get("/api/dashboard", name="said to be bad", catch_response=True) as answer:
            answer.failure("wrong")
        self.client.get("/nowhere", name="GET /nowhere")
        with self.client.get("/api/dashboard", name="never said", catch_response=True):
            raise KeyError("a mistake in the flow")

install(events, lambda generator: None)
"""


def test_client_records_each_request(server, load, tmp_path):
    locustfile = tmp_path / "flow.py"
    locustfile.write_text(LOCUSTFILE)
    plan = make_plan(teachers=0.0, students=5.0, seconds=4.0)
    plan = replace(
        plan,
        flows=tuple(flow for flow in plan.flows if flow.name == "students"),
        streams=tuple(stream for stream in plan.streams if stream.flow == "students"),
    )
    run = load(server().port, plan, str(locustfile))
    assert run.wait() == 0, run.log.read_text()
    sessions = run.samples[-1].intended
    assert sessions > 5
    assert run.total("POST /login") == run.total("GET /api/dashboard") == sessions
    assert run.total("said to be bad", "errors") == run.total("GET /nowhere", "errors") == sessions
    kinds = {kind for row in run.rows for kind in row.error_kinds}
    assert kinds == {"wrong content", "HTTP 404"}
    assert run.total("never said", "errors") == sessions
    last = run.samples[-1]
    assert last.requests_started == 5 * sessions and last.requests_completed == 2 * sessions
    assert all(row.response.max_seconds >= row.service.max_seconds for row in run.rows if row.completed)
