"""A master and its workers: the same load as one process offers, and nothing lost on the way to the run directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.model.samples import AcknowledgedWrite, Event
from harness.planning.schedule import Shard, schedule
from harness.store.jsonl import read_lines, write_whole
from harness.store.layout import RunDirectory
from tests.loadgen.conftest import ROOT, Load, make_plan
from tests.loadgen.test_generator import assert_conserved, sessions

WORKERS = (1, 2, 4)
PLAN = make_plan(teachers=2.0, students=6.0, messages=6.0, sockets=23, probes=(1.5, 2.0, 2.5), seconds=6.0)


def by_second(run: Load, endpoint: str) -> Counter[int]:
    """How many were meant to start in each second of intended time."""
    found: Counter[int] = Counter()
    for row in run.rows:
        if row.endpoint == endpoint:
            found[row.second] += row.offered
    return +found


@pytest.fixture(scope="module")
def loads(server, load):
    """The same plan with one, two and four workers, one after the other: each with a server of its own."""
    found = {}
    for workers in WORKERS:
        run = found[workers] = load(server().port, PLAN, workers=workers)
        assert run.wait(60) == 0, run.log.read_text()
    return found


@pytest.mark.parametrize("workers", WORKERS)
def test_however_many_workers_the_arrivals_are_the_plans(loads, workers):
    run = loads[workers]
    first = {"teachers": "POST /login", "students": "POST /login", "classroom": "socket ack", "uploads": "POST /login"}
    planned: dict[str, Counter[int]] = {name: Counter() for name in first.values()}
    for arrival in schedule(PLAN):
        planned[first[arrival.flow]][arrival.second] += 1
    for endpoint, expected in planned.items():
        assert by_second(run, endpoint) == expected
    assert run.total("socket connect") == 23
    assert run.total("job end to end") == 3


def test_what_is_done_does_not_depend_on_the_workers(loads):
    """Not only how many sessions: which requests they make, and under which ids they write."""
    done = {
        workers: Counter({row.endpoint: run.total(row.endpoint) for row in run.rows if row.kind == "http"})
        for workers, run in loads.items()
    }
    for each in done.values():
        del each["GET /api/uploads/:id"]  # a poll more or less
    assert done[1] == done[2] == done[4]
    kinds = {workers: Counter(write.kind for write in run.acknowledged) for workers, run in loads.items()}
    assert kinds[1] == kinds[2] == kinds[4]
    for run in loads.values():
        assert len({write.id for write in run.acknowledged}) == len(run.acknowledged)


@pytest.mark.parametrize("workers", WORKERS[1:])
def test_no_row_is_lost_between_workers_and_master(loads, workers):
    run = loads[workers]
    names = run.event("load-start").detail["workers"]
    assert len(names) == len(set(names)) == workers
    last = {sample.worker: sample for sample in run.samples}
    assert set(last) == set(names)
    for sample in run.samples:
        assert_conserved(sample)
    assert sum(sample.intended for sample in last.values()) == len(list(schedule(PLAN)))
    counted = sum(sample.requests_completed for sample in last.values())
    recorded = sum(row.completed for row in run.rows if row.kind != "job" and row.endpoint != "socket delivery")
    assert counted == recorded
    assert not any(row.error_kinds for row in run.rows), run.log.read_text()
    assert run.total("socket delivery") == run.total("socket delivery", "expected") > 0
    # Everybody carries a part, and the sockets are the plan's.
    assert all(sample.intended > 0 for sample in last.values())
    assert sum(max(s.sockets for s in run.samples if s.worker == name) for name in names) == 23
    names = [event.name for event in run.events]
    assert names[:workers] == ["generator-ready"] * workers
    assert names[workers] == "load-start" and names.count("load-start") == 1
    assert names.count("load-end") == 1 and names[-1] == "generator-end"
    assert [e.detail["phase"] for e in run.events if e.name == "phase"] == ["ramp", "settle", "measure", "drain"]
    assert not {"worker-lost", "evidence-gap"} & set(names)
    for number in range(1, workers + 1):
        assert "Traceback" not in (run.run.logs / f"generator-worker-{number}.log").read_text()


def worker_pids(run: Load) -> list[int]:
    return [int(name.rsplit("-", 1)[1]) for name in run.event("load-start").detail["workers"]]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_that_dies_is_named_and_the_others_go_on(server, load, tmp_path):
    """Locust gives a worker up for good a minute after it was last heard, and then deals its users out anew: here after
    some seconds, so that it happens within the load."""
    own = tmp_path / "own.py"
    text = (Path(__file__).parents[2] / "locustfiles/lectio.py").read_text()
    own.write_text(f"{text}\nimport locust.runners\nlocust.runners.HEARTBEAT_DEAD_INTERNAL = -2\n")
    run = load(server().port, make_plan(students=8.0, sockets=10, messages=2.0, seconds=14.0), str(own), workers=2)
    run.wait_for_event("load-start")
    run.until(lambda: len(run.samples) >= 4)
    victim, other = run.event("load-start").detail["workers"]
    os.kill(worker_pids(run)[0], signal.SIGKILL)
    lost = run.wait_for_event("worker-lost")
    assert lost.detail["worker"] == victim
    assert lost.detail["reason"] == "killed by signal 9"
    heard = [sample.monotonic_seconds for sample in run.samples if sample.worker == victim]
    assert lost.monotonic_seconds - max(heard) < 5.0
    assert run.wait() == 0, run.log.read_text()
    assert run.event("generator-end").detail["reason"] == "completed"
    last = [sample for sample in run.samples if sample.worker == other][-1]
    assert last.monotonic_seconds - run.event("load-start").monotonic_seconds >= 14.0
    index = run.event("load-start").detail["workers"].index(other)
    assert last.intended == len(list(schedule(run.plan, Shard(index, 2)))) == last.completed
    assert last.sockets == 0
    assert_conserved(last)
    assert not any(map(alive, worker_pids(run)))


def test_a_worker_that_ends_before_its_time_is_lost_too(server, load):
    run = load(server().port, make_plan(seconds=6.0), workers=2)
    run.wait_for_event("load-start")
    os.kill(worker_pids(run)[1], signal.SIGTERM)
    lost = run.wait_for_event("worker-lost")
    assert (lost.detail["worker"], lost.detail["reason"]) == (
        run.event("load-start").detail["workers"][1],
        "interrupted",
    )
    assert run.wait() == 0


def test_without_any_worker_left_the_load_ends(server, load):
    run = load(server().port, make_plan(seconds=60.0), workers=2)
    run.wait_for_event("load-start")
    for pid in worker_pids(run):
        os.kill(pid, signal.SIGKILL)
    assert run.wait(15) == 1
    assert [event.name for event in run.events].count("worker-lost") == 2
    assert run.event("generator-end").detail["reason"] == "crashed: every worker was lost"


def test_a_worker_that_is_not_heard_of_is_lost_and_what_it_says_later_is_kept(server, load):
    run = load(server().port, make_plan(seconds=14.0), workers=2)
    run.wait_for_event("load-start")
    run.until(lambda: len(run.samples) >= 4)
    stopped = worker_pids(run)[1]
    os.kill(stopped, signal.SIGSTOP)
    lost = run.wait_for_event("worker-lost")
    os.kill(stopped, signal.SIGCONT)
    assert lost.detail["reason"] == "not heard of any more"
    since = lost.monotonic_seconds - run.event("load-start").monotonic_seconds - lost.detail["heard_until_seconds"]
    assert 2.0 < since < 12.0
    assert run.wait() == 0, run.log.read_text()
    assert run.event("generator-end").detail["reason"] == "completed"
    assert [event.name for event in run.events].count("worker-lost") == 1
    assert "evidence-gap" not in [event.name for event in run.events]
    assert sum(each.intended for each in {s.worker: s for s in run.samples}.values()) == len(list(schedule(run.plan)))


def test_a_signal_to_the_master_ends_all_of_it_and_leaves_whole_evidence(server, load):
    plan = make_plan(students=6.0, messages=2.0, sockets=10, seconds=30.0)
    run = load(server().port, plan, workers=2)
    run.wait_for_event("load-start")
    run.until(lambda: len(run.samples) >= 4)
    pids = worker_pids(run)
    run.process.send_signal(signal.SIGINT)
    assert run.wait(8) == 0, run.log.read_text()
    assert not any(map(alive, pids))
    end = run.event("generator-end")
    assert end.detail["reason"] == "interrupted"
    last = {sample.worker: sample for sample in run.samples}
    assert len(last) == 2
    for sample in last.values():
        assert_conserved(sample)
    assert sum(sample.requests_in_flight for sample in last.values()) == end.detail["requests_in_flight"]
    recorded = sum(row.completed for row in run.rows if row.kind != "job" and row.endpoint != "socket delivery")
    assert recorded == sum(sample.requests_completed for sample in last.values())
    assert "worker-lost" not in [event.name for event in run.events]


def test_workers_whose_master_was_killed_end_by_themselves(server, load):
    run = load(server().port, make_plan(seconds=60.0), workers=2)
    run.wait_for_event("load-start")
    pids = worker_pids(run)
    run.process.kill()
    run.process.wait()
    run.until(lambda: not any(map(alive, pids)))


def test_a_master_that_takes_nothing_any_more_ends_the_load(server, load):
    """A load that nobody records is none; what waits to be sent is bounded."""
    run = load(server().port, make_plan(seconds=60.0), workers=2)
    run.wait_for_event("load-start")
    pids = worker_pids(run)
    run.process.send_signal(signal.SIGSTOP)
    run.until(lambda: not any(map(alive, pids)), 30)
    run.process.send_signal(signal.SIGCONT)
    assert run.wait(15) == 1
    assert run.event("generator-end").detail["reason"] == "crashed: every worker was lost"
    reasons = [event.detail["reason"] for event in run.events if event.name == "worker-lost"]
    assert len(reasons) == 2
    assert "evidence-gap" not in [event.name for event in run.events]


def test_a_harness_that_was_killed_leaves_neither_master_nor_workers(server, load):
    keeper = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    run = load(server().port, make_plan(seconds=60.0), through=(sys.executable, "-c", keeper), workers=2)
    run.wait_for_event("load-start")
    pids = worker_pids(run)
    pids.append(int(Path(f"/proc/{pids[0]}/stat").read_text().rsplit(")", 1)[1].split()[1]))  # their parent
    run.process.kill()
    run.process.wait()
    run.until(lambda: not any(map(alive, pids)))
    assert run.event("generator-end").detail["reason"] == "interrupted: the harness has gone away"


def test_a_preparation_that_fails_is_said_once_and_in_a_line(load):
    run = load(9, make_plan(), workers=2)  # nothing listens on the discard port
    assert run.wait() == 1
    ends = [event.detail["reason"] for event in run.events if event.name == "generator-end"]
    assert len(ends) == 1 and ends[0].startswith("not started: ") and "refused" in ends[0]
    assert not any(event.name == "load-start" for event in run.events)
    assert "Traceback" not in run.log.read_text()


def test_a_locustfile_that_fails_in_the_workers_only(server, load, tmp_path):
    own = tmp_path / "own.py"
    text = (Path(__file__).parents[2] / "locustfiles/lectio.py").read_text()
    own.write_text(f"{text}\nif 'PROOFLOAD_WORKER' in os.environ:\n    raise SystemExit(3)\n")
    run = load(server().port, make_plan(), str(own), workers=2)
    assert run.wait() == 1
    reason = run.event("generator-end").detail["reason"]
    assert reason.startswith("not started: worker ") and "ended with exit code 3 before the load" in reason


def test_a_full_disk_ends_the_load_of_all_workers(server, load):
    through = ("sh", "-c", 'ulimit -f 64 && exec "$@"', "sh")  # files of at most 32 KiB: the requests' reaches it
    run = load(server().port, make_plan(students=10.0, seconds=40.0), through=through, workers=2)
    run.wait_for_event("load-start")
    pids = worker_pids(run)
    assert run.wait(35) == 1
    assert run.rows and run.samples
    assert "File too large" in run.log.read_text()
    assert not any(map(alive, pids))


def test_the_same_sessions_are_counted_whoever_carries_them(loads):
    for flow in ("teachers", "students"):
        assert sessions(PLAN, flow) == sum(
            row.offered for row in loads[4].rows if row.endpoint == "POST /login" and row.flow == flow
        )


MASTER = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from locust.event import Events
from locust.runners import MasterRunner
import harness
from harness.loadgen.distributed.identity import file_digest, sources_digest, this_clock, this_network
from harness.loadgen.distributed.master import Master
from harness.loadgen.distributed.messages import HELLO, JOIN, READY, REPORT
from harness.loadgen.distributed.trust import Token
from harness.model.plan import LoadPlan
from harness.store.jsonl import read_whole
from harness.store.layout import RunDirectory

class Runner(MasterRunner):
    def __init__(self):
        self.custom_messages, self.clients, self.server = {}, {}, SimpleNamespace(port=1)
        self.sent = []
    def __del__(self):
        pass
    def send_message(self, name, data=None, client_id=None):
        self.sent.append((client_id, name, data))
    def hear(self, client, message, /, **data):
        listener, _ = self.custom_messages[message]
        listener(environment=None, msg=SimpleNamespace(node_id=client, data=data))

run = RunDirectory(Path(sys.argv[1]))
flows = Path("locustfiles/lectio.py")
runner = Runner()
options = SimpleNamespace(locustfile=str(flows), loglevel="WARNING")
environment = SimpleNamespace(runner=runner, host="http://127.0.0.1:9", parsed_options=options, events=Events())
master = Master(environment, run, read_whole(run.plan, LoadPlan), 2)
master.listen()

def knock(client, name, secret=None, version=harness.__version__, **other):
    runner.hear(client, HELLO, version=version, challenge="c", name=name)
    answer = runner.sent[-1][2]
    if "challenge" not in answer:
        return
    token = Token.of() if secret is None else Token(secret)
    assert secret is not None or token.accepts(answer["proof"], "master", "c", answer["challenge"])
    said = dict(name=name, number=0, clock=this_clock(), network=this_network(), sources=sources_digest(),
                flows=file_digest(flows), target="", proof=token.prove("worker", "c", answer["challenge"]))
    runner.hear(client, JOIN, **{**said, **other})

knock("old", "old-1", version="0.0.1")
knock("stranger", "stranger-1", secret="a guess")
knock("forked", "forked-1", sources="other")
knock("mine", "mine-1", flows="other")
knock("bare", "bare-1", flows="")
knock("far", "far-1", network="elsewhere")
runner.hear("silent", JOIN, name="silent-1")
runner.hear("silent", HELLO)
runner.hear("silent", REPORT, number=1, lines={"acknowledged": b"{}"}, last_word=None)
runner.hear("silent", READY, users=1)
knock("a", "a-1")
knock("a", "a-1")
knock("twin", "a-1")
knock("b", "b-1", network="elsewhere", target="http://127.0.0.1:9")
knock("c", "c-1")
line = b'{"monotonic_seconds":1,"id":"%d","kind":"lesson"}\\n'
for number in (1, 2, 2, 5):
    runner.hear("a", REPORT, number=number, lines={"acknowledged": line % number}, last_word=None)
runner.hear("b", REPORT, number=1, lines={"acknowledged": line % 9}, last_word=None)
told = [(client, name, (data or {}).get("reason") or (data or {}).get("number") or (data or {}).get("worker"))
        for client, name, data in runner.sent]
print(json.dumps(told))
"""


def test_what_a_master_accepts_and_what_it_misses(tmp_path):
    """Only workers that know the token and have what it has; each report once; a missing one is said."""
    run = RunDirectory(tmp_path)
    run.logs.mkdir()
    write_whole(run.plan, make_plan())
    known = {**os.environ, "PROOFLOAD_WORKER_TOKEN": "what both of them know"}
    command = [sys.executable, "-c", MASTER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=known)
    assert done.returncode == 0, done.stderr
    told = [tuple(each) for each in json.loads(done.stdout)]
    stops = {client: reason for client, name, reason in told if name == "proofload-stop"}
    assert stops["old"].startswith("worker old-1 runs version 0.0.1, the master ")
    assert stops["stranger"] == "worker stranger-1 does not know the token"
    assert stops["silent"].startswith("worker ? runs version None")
    assert stops["forked"].startswith("worker forked-1 has other sources of Proofload ")
    assert stops["mine"] == "worker mine-1 has another lectio.py than the master"
    assert stops["bare"] == "worker bare-1 has no lectio.py"
    assert stops["far"].startswith("http://127.0.0.1:9 is another machine for worker far-1")
    assert stops["a"] == "worker a-1 has joined already"
    assert stops["twin"] == "a worker a-1 is here already"
    assert stops["c"] == "worker c-1 is one too many"
    assert [(client, index or 0) for client, name, index in told if name == "proofload-plan"] == [("a", 0), ("b", 1)]
    assert [(c, number) for c, name, number in told if name == "proofload-taken"] == [
        *(("a", 1), ("a", 2), ("a", 2), ("a", 5), ("b", 1))
    ]
    assert [write.id for write in read_lines(run.acknowledged, AcknowledgedWrite)] == ["1", "2", "5", "9"]
    gaps = [event.detail for event in read_lines(run.events, Event) if event.name == "evidence-gap"]
    assert gaps == [{"worker": "a-1", "reports": 2}]
