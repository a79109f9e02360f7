"""The whole generator against a server in another process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.model.plan import LoadPlan
from harness.model.samples import GeneratorSample
from harness.planning.schedule import schedule
from tests.loadgen.conftest import make_plan

HTTP_ENDPOINTS = {
    "POST /login",
    "GET /api/lessons",
    "GET /api/lessons/:id",
    "GET /api/dashboard",
    "POST /api/lessons",
    "PUT /api/lessons/:id",
    "GET /lessons/:id",
}


def sessions(plan: LoadPlan, flow: str) -> int:
    return sum(arrival.flow == flow for arrival in schedule(plan))


def assert_conserved(sample: GeneratorSample) -> None:
    """Everything intended is somewhere, and no request's record was lost."""
    assert sample.intended == (sample.completed + sample.failed + sample.dropped + sample.in_flight + sample.waiting)
    assert sample.requests_started == (sample.requests_completed + sample.requests_failed + sample.requests_in_flight)
    if sample.requests_in_flight == 0:
        assert sample.busy_seconds == pytest.approx(sample.service_sum_seconds, abs=1e-9)


def test_every_flow_carries_its_load(server, load):
    target = server()
    plan = make_plan(messages=4.0, sockets=12, probes=(1.5, 2.0))
    run = load(target.port, plan)
    assert run.wait() == 0
    log = run.log.read_text()

    teachers, students, messages = (sessions(plan, flow) for flow in ("teachers", "students", "classroom"))
    http = [row for row in run.rows if row.kind in ("http", "upload")]
    errors = [(row.endpoint, row.error_kinds) for row in run.rows if row.error_kinds]
    assert not errors, log
    assert {row.endpoint for row in http if row.flow in ("teachers", "students")} == HTTP_ENDPOINTS
    for flow, steps, number in (("teachers", 7, teachers), ("students", 6, students)):
        assert sum(row.completed for row in http if row.flow == flow) == steps * number
    for row in run.rows:
        assert row.response.count == row.service.count == row.completed
        assert sum(row.response.buckets.values()) == row.completed
        assert row.response.sum_seconds >= row.service.sum_seconds
        assert set(row.exceeded) == {0.5, 1.0}

    # The probes, and only they, are marked, to the server too.
    assert all(row.probe == (row.flow == "uploads") for row in run.rows)
    marked = [path for _, path, probe in target.control() if probe]
    assert marked.count("/api/uploads") == 2
    polls = run.total("GET /api/uploads/:id")
    assert len(marked) == 2 + 2 + polls and polls >= 2

    # Sockets: everybody connected once, every message reached everybody.
    assert run.total("socket connect") == 12
    assert run.total("socket ack") == messages
    assert run.total("socket delivery") == run.total("socket delivery", "expected") > 0

    # Jobs: seen, with both of their server's parts, and the ids of all writes kept.
    assert run.total("job end to end") == run.total("job queue wait") == run.total("job processing") == 2
    waits = [row.service.max_seconds for row in run.rows if row.endpoint == "job queue wait"]
    assert all(wait == pytest.approx(0.25, abs=0.01) for wait in waits)
    assert sorted(job.state for job in run.jobs) == ["accepted"] * 2 + ["seen"] * 2 + ["sent"] * 2
    assert {job.detail["seen_by"] for job in run.jobs if job.state == "seen"} <= {"poll", "socket"}
    kinds = [write.kind for write in run.acknowledged]
    assert (kinds.count("lesson"), kinds.count("message"), kinds.count("upload")) == (2 * teachers, messages, 2)
    assert len({write.id for write in run.acknowledged}) == len(kinds)

    # The generator's own account.
    samples = run.samples
    for sample in samples:
        assert_conserved(sample)
    last = samples[-1]
    assert last.intended == last.completed == teachers + students + messages + 2
    assert last.requests_in_flight == last.sockets == 0
    measured = sum(row.completed + row.errors for row in http) + run.total("socket connect") + run.total("socket ack")
    assert last.requests_completed + last.requests_failed == measured
    assert max(sample.sockets for sample in samples) == 12
    assert not last.client_errors

    names = [event.name for event in run.events]
    assert names[:2] == ["generator-ready", "load-start"] and names[-2:] == ["load-end", "generator-end"]
    phases = [event.detail for event in run.events if event.name == "phase"]
    assert [phase["phase"] for phase in phases] == ["ramp", "settle", "measure", "drain"]
    start, measure = run.event("load-start"), next(e for e in run.events if e.detail.get("phase") == "measure")
    assert measure.monotonic_seconds - start.monotonic_seconds == pytest.approx(2.0, abs=0.5)
    assert run.event("generator-end").detail["reason"] == "completed"
    # Locust's own summary counts the same requests: told in bulk, once a second.
    summary = re.search(r"Aggregated +(\d+) +(\d+)\(", log)
    assert summary and int(summary[1]) == sum(row.completed for row in run.rows) and summary[2] == "0"
    # A session of http requests per TCP connection, and nothing but warnings on the console.
    assert "Traceback" not in log


def test_a_stall_shows_in_response_times_and_not_in_service_times_alone(server, load):
    """T2 in small: with few users a stall of 2 s makes the arrivals behind it wait, and their wait is counted."""
    target = server()
    plan = make_plan(teachers=0.0, students=8.0, seconds=7.0, max_in_flight=4)
    run = load(target.port, plan)
    run.wait_for_event("load-start")
    run.until(lambda: run.last and run.last.completed >= 10)
    target.control(stall_seconds=2.0)
    assert run.wait() == 0
    logins = [row for row in run.rows if row.endpoint == "POST /login"]
    completed = sum(row.completed for row in logins)
    assert completed == sessions(plan, "students")
    # Four users were caught in the stall; all the others of those two seconds arrived while no user was free.
    slow_services = sum(count for row in logins for bucket, count in row.service.buckets.items() if bucket > 1652)
    over_half_a_second = sum(row.exceeded[0.5] for row in logins)
    assert slow_services <= 4 < 8 <= over_half_a_second
    assert sum(row.late for row in logins) >= 8
    assert run.samples[-1].late == sum(row.late for row in logins)
    assert_conserved(run.samples[-1])


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_load_at_once_and_leaves_whole_evidence(server, load, signal_name):
    target = server(job_seconds=60)
    plan = make_plan(messages=2.0, sockets=6, probes=(0.5,), seconds=30.0)
    run = load(target.port, plan)
    run.wait_for_event("load-start")
    run.until(lambda: any(job.state == "accepted" for job in run.jobs))
    asked = time.monotonic()
    run.process.send_signal(getattr(signal, signal_name))
    assert run.wait(5) == 0
    assert time.monotonic() - asked < 3
    end = run.event("generator-end")
    assert end.detail["reason"] == "interrupted"
    assert [job.state for job in run.jobs] == ["sent", "accepted", "censored"]
    assert run.jobs[-1].detail["reason"] == "interrupted"
    last = run.samples[-1]
    assert_conserved(last)
    assert last.requests_in_flight == end.detail["requests_in_flight"]
    rows = [row for row in run.rows if row.kind in ("http", "upload")]
    assert not any(row.error_kinds for row in run.rows)
    measured = sum(row.completed for row in rows) + run.total("socket connect") + run.total("socket ack")
    assert measured == last.requests_completed


def test_lost_sockets_come_back_and_are_counted(server, load):
    target = server()
    plan = make_plan(teachers=0.0, students=0.5, sockets=6, seconds=6.0)
    run = load(target.port, plan)
    run.wait_for_event("load-start")
    run.until(lambda: run.last and run.last.sockets == 6)
    target.control(drop_sockets=True)
    assert run.wait() == 0
    assert run.total("socket connect") == 12
    assert sum(event.detail["count"] for event in run.events if event.name == "socket-reconnect") == 6
    assert run.samples[-3].sockets >= 3


def test_a_timeout_is_above_every_threshold(server, load):
    target = server()
    plan = make_plan(teachers=0.0, students=1.0, seconds=5.0, request_timeout=1.0)
    run = load(target.port, plan)
    run.wait_for_event("load-start")
    target.control(delay_seconds=1.5)
    assert run.wait() == 0
    timeouts = [row for row in run.rows if row.error_kinds.get("timeout")]
    assert timeouts and all(row.exceeded[1.0] >= row.error_kinds["timeout"] for row in timeouts)
    assert_conserved(run.samples[-1])


def test_a_server_that_is_not_there_is_said_in_a_line(load):
    run = load(9, make_plan())  # nothing listens on the discard port
    assert run.wait() == 1
    assert "connection refused" in run.log.read_text()
    assert "Traceback" not in run.log.read_text()
    assert run.event("generator-end").detail["reason"].startswith("not started")
    assert not any(event.name == "load-start" for event in run.events)


def test_a_flow_without_its_class_is_said_in_a_line(server, load, tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text(
        "from locust import events, task\n"
        "from harness.loadgen.boot import install\n"
        "from harness.loadgen.http import HttpFlowUser\n"
        "class Teacher(HttpFlowUser):\n"
        "    @task\n"
        "    def look(self):\n"
        "        self.get('/api/dashboard', 'GET /api/dashboard')\n"
        "install(events, lambda generator: None)\n"
    )
    run = load(server().port, make_plan(), str(plain))
    assert run.wait() == 1
    assert "no user class Student" in run.log.read_text()
    assert "Traceback" not in run.log.read_text()


# Each of these needs a server and a load of its own, and most of their time is waiting: they run side by side.
SCENARIOS = {
    "drops": (
        {"delay_seconds": 0.15},
        make_plan(teachers=0.0, students=15.0, seconds=4.0, max_in_flight=4, max_waiting=3),
    ),
    "endless job": (
        {"job_seconds": 60},
        make_plan(teachers=0.0, students=0.5, probes=(0.5,), seconds=4.0, job_timeout=3.0),
    ),
    "broadcasts": (
        {"lose_broadcasts": True, "duplicate_broadcasts": True},
        make_plan(teachers=0.0, students=0.5, messages=5.0, sockets=10, seconds=5.0, request_timeout=2.0),
    ),
    "no entry": ({"refuse_join": True}, make_plan(teachers=0.0, students=0.5, sockets=2, seconds=5.0)),
    "refused chat": (
        {"refuse_chat": True},
        make_plan(students=0.0, messages=3.0, sockets=5, seconds=4.0, request_timeout=1.0),
    ),
    "silence": ({"refuse_join": True}, make_plan(students=0.0, messages=3.0, seconds=4.0, request_timeout=1.0)),
    "errors": ({"fail_dashboard": True}, make_plan(teachers=2.0, students=0.0, seconds=4.0)),
    "redirect": ({"redirect_to": "http://127.0.0.1:9/api/dashboard"}, make_plan(teachers=0.0, seconds=4.0)),
}


@pytest.fixture(scope="module")
def outcome(server, load):
    """The finished load of a scenario."""
    loads = {name: load(server(**faults).port, plan) for name, (faults, plan) in SCENARIOS.items()}

    def finished(name):
        run = loads[name]
        assert run.wait() == 0, run.log.read_text()
        return run, SCENARIOS[name][1]

    return finished


def test_arrivals_beyond_the_queue_are_dropped_and_counted(outcome):
    run, plan = outcome("drops")
    dropped = run.total("POST /login", "dropped")
    assert dropped > 10
    assert dropped + run.total("POST /login") == sessions(plan, "students")
    for row in run.rows:
        assert row.exceeded[1.0] >= row.dropped
    last = run.samples[-1]
    assert last.dropped == dropped
    assert_conserved(last)


def test_a_job_that_never_ends_is_censored_as_bad(outcome):
    run, _ = outcome("endless job")
    row = next(row for row in run.rows if row.endpoint == "job end to end")
    assert (row.completed, row.errors, row.error_kinds, row.exceeded[1.0]) == (0, 1, {"unfinished": 1}, 1)
    assert [job.state for job in run.jobs] == ["sent", "accepted", "censored"]
    assert run.samples[-1].failed == 1


def test_lost_and_doubled_broadcasts_are_noticed(outcome):
    run, plan = outcome("broadcasts")
    received, expected = run.total("socket delivery"), run.total("socket delivery", "expected")
    assert 0 < received < expected
    kinds = [row.error_kinds for row in run.rows if row.endpoint == "socket delivery" and row.error_kinds]
    assert sum(kind["duplicate"] for kind in kinds) == received
    assert run.total("socket ack") == sessions(plan, "classroom")


def test_a_refused_room_is_an_error_and_tried_again_with_patience(outcome):
    run, _ = outcome("no entry")
    assert 4 <= run.total("socket connect", "errors") <= 20
    assert run.total("socket connect") == 0


def test_refused_messages_are_bad_acknowledgements_and_nobody_waits_for_them(outcome):
    run, plan = outcome("refused chat")
    refused = sum(row.error_kinds.get("refused", 0) for row in run.rows if row.endpoint == "socket ack")
    assert refused == run.total("socket ack", "errors") == sessions(plan, "classroom") > 0
    assert run.total("socket delivery", "expected") == 0
    assert not any(write.kind == "message" for write in run.acknowledged)


def test_messages_that_nobody_could_say_are_bad_and_not_missing(outcome):
    run, plan = outcome("silence")
    assert run.total("socket ack", "dropped") == sessions(plan, "classroom") > 0
    assert_conserved(run.samples[-1])


def test_errors_are_bad_and_the_session_goes_on(outcome):
    run, plan = outcome("errors")
    number = sessions(plan, "teachers")
    assert run.total("GET /api/dashboard", "errors") == number == run.total("GET /lessons/:id")
    assert run.samples[-1].failed == number
    for row in run.rows:
        if row.endpoint == "GET /api/dashboard":
            assert row.error_kinds == {"HTTP 500": row.errors} and row.exceeded == {0.5: row.errors, 1.0: row.errors}


def test_a_redirect_to_another_host_is_refused(outcome):
    run, _ = outcome("redirect")
    kinds = [row.error_kinds for row in run.rows if row.endpoint == "GET /api/dashboard"]
    # Had it been followed, nobody would have been there: "connection refused".
    assert kinds and all(set(kind) == {"redirect to another host"} for kind in kinds)


def own_flows(tmp_path: Path, preparation: str) -> str:
    """Lectio's flows with another preparation."""
    file = tmp_path / "own.py"
    text = (Path(__file__).parents[2] / "locustfiles/lectio.py").read_text()
    file.write_text(text.replace("install(events, prepare)\n", f"install(events, {preparation})\n"))
    return str(file)


@pytest.mark.parametrize(
    ("preparation", "said"),
    [
        ("lambda generator: {}['token']", "found something else than it looks for: KeyError: 'token'"),
        ("lambda generator: 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_preparation_that_fails_ends_at_once_and_says_why(server, load, tmp_path, preparation, said):
    """The harness would else wait a minute and a half for a load that never begins."""
    run = load(server().port, make_plan(), own_flows(tmp_path, preparation))
    assert run.wait(15) == 1
    assert said in run.log.read_text()
    assert not any(event.name == "load-start" for event in run.events)
    assert run.event("generator-end").detail["reason"].startswith(("not started", "crashed"))


def test_evidence_that_cannot_be_written_starts_no_load(server, load):
    """Locust only logs what its listeners raise, and would go on with users that nobody conducts."""
    broken = ("sh", "-c", 'mkdir "$PROOFLOAD_RUN/requests.jsonl" && exec "$@"', "sh")
    run = load(server().port, make_plan(), through=broken)
    assert run.wait(15) == 1
    assert "the load could not be prepared" in run.log.read_text()


def test_a_full_disk_ends_the_load_and_keeps_what_was_written(server, load):
    through = ("sh", "-c", 'ulimit -f 64 && exec "$@"', "sh")  # files of at most 32 KiB: the requests' reaches it
    run = load(server().port, make_plan(students=10.0, seconds=40.0), through=through)
    assert run.wait(35) == 1
    assert run.rows and run.samples
    assert max(row.second for row in run.rows) < 35
    assert "File too large" in run.log.read_text()


def test_several_processes_are_refused(server, load):
    """Each would offer the whole load."""
    run = load(server().port, make_plan(), arguments=("--master",))
    assert run.wait() == 1
    assert "leave out --processes" in run.log.read_text()


def test_the_generators_own_mistakes_are_not_the_systems(server, load):
    """With 60 descriptors not all of 90 sockets can be opened: that says nothing about the server."""
    through = ("sh", "-c", 'ulimit -n 60 && exec "$@"', "sh")
    run = load(server().port, make_plan(teachers=0.0, students=0.5, sockets=90, seconds=4.0), through=through)
    assert run.wait() == 0, run.log.read_text()
    last = run.samples[-1]
    assert last.client_errors["EMFILE"] > 10
    assert not any(row.error_kinds for row in run.rows)
    assert last.requests_failed == sum(last.client_errors.values())
    assert_conserved(last)


def test_a_generator_whose_harness_was_killed_ends_by_itself(server, load):
    """``kill -9`` of the parent must not leave a load behind that nobody watches."""
    keeper = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    run = load(server().port, make_plan(seconds=60.0), through=(sys.executable, "-c", keeper))
    run.wait_for_event("load-start")
    pid = run.until(lambda: run.last).worker.rsplit("-", 1)[1]
    run.process.kill()
    run.process.wait()
    run.until(lambda: not Path(f"/proc/{pid}").exists())
    assert run.event("generator-end").detail["reason"] == "interrupted: the harness has gone away"


def test_the_end_of_the_load_wins_over_the_curves_last_points():
    """Both come at the same moment; whichever is first, nothing is closed twice and nothing opened."""
    script = """
from types import SimpleNamespace
from harness.loadgen.classroom import Holder
from harness.model.plan import Held
from harness.planning.schedule import WHOLE
generator = SimpleNamespace(start_seconds=0.0, settings=SimpleNamespace(room_size=11, request_timeout_seconds=1.0))
holder = Holder(generator, SimpleNamespace(), Held(((0.0, 0), (1.0, 2), (2.0, 0))), WHOLE)
holder.close_all()
holder.run()
print("ended")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout == "ended\n", done.stderr
