"""Workers on hosts of their own: network namespaces with addresses, slow and lossy cables, and clocks that differ."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.analysis.checks import clock_drift, worker_lost
from harness.model.evidence import Evidence
from harness.model.plan import LoadPlan
from harness.planning.schedule import schedule
from harness.store.jsonl import write_whole
from harness.store.layout import RunDirectory
from tests.loadgen.conftest import ROOT, Load, make_plan
from tests.loadgen.test_generator import assert_conserved
from tests.support.evidence import make_evidence
from tests.support.hosts import Hosts, why_no_time, why_not

TOKEN = "a token of these tests alone"
PORT = 5557
MASTER, SYSTEM = 1, 1
WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "they can be had")
own_clock = pytest.mark.skipif(bool(why_no_time()), reason=why_no_time() or "it can be had")


@dataclass
class Worker:
    """``proofload worker`` on one of the hosts."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines += self.process.stdout

    def wait(self, seconds: float = 40) -> int:
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    @property
    def text(self) -> str:
        return "".join(self.lines)


@dataclass
class Site:
    """Hosts with the system under load and the master on the first."""

    hosts: Hosts
    folder: Path
    port: int
    loads: list[Load] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.hosts.address(MASTER)

    def master(self, plan: LoadPlan, workers: int, *, target: str = "", patience: float = 60) -> Load:
        run = RunDirectory(self.folder / f"run{len(self.loads)}")
        run.logs.mkdir(parents=True)
        write_whole(run.plan, plan)
        clip = self.folder / "clip.mp4"
        clip.write_bytes(b"\0" * 300_000)
        log = run.logs / "generator.log"
        command = [
            *self.hosts.on(MASTER),
            *(sys.executable, "-m", "locust", "-f", "locustfiles/lectio.py", "--headless", "--only-summary"),
            *("--host", target or f"http://{self.address}:{self.port}", "--loglevel", "WARNING"),
            *("--exit-code-on-error", "0", "--master", "--master-bind-host", self.address),
            *("--master-bind-port", str(PORT), "--expect-workers", str(workers)),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PROOFLOAD_RUN": str(run.path),
            "PROOFLOAD_CLIP": str(clip),
            "PROOFLOAD_STUDENTS": "3000",
            "PROOFLOAD_WORKERS": str(workers),
            "PROOFLOAD_WORKER_PATIENCE": str(patience),
            "PROOFLOAD_WORKER_TOKEN": TOKEN,
            "PROOFLOAD_ALLOWED": self.address,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        self.loads.append(Load(process, run, log))
        return self.loads[-1]

    def way(self, host: int, there_seconds: float, back_seconds: float) -> str:
        """Where that host finds the master, by a way that takes so long."""
        address = self.hosts.address(host)
        told = (address, self.address, str(PORT), str(there_seconds), str(back_seconds), "0.004")
        process = subprocess.Popen(
            [*self.hosts.on(host), sys.executable, "-m", "tests.support.delaying_proxy", *told],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        self.workers.append(Worker(process))
        return f"{address}:{port}"

    def worker(
        self, host: int, *arguments: str, ahead: int = 0, token: str = TOKEN, path: str = "", master: str = ""
    ) -> Worker:
        environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}" if path else str(ROOT)}
        process = subprocess.Popen(
            [
                *self.hosts.on(host, monotonic_ahead_seconds=ahead),
                *(sys.executable, "-m", "harness.cli.main", "worker", "--master", master or self.address, *arguments),
            ],
            cwd=ROOT,
            env={**environment, "PROOFLOAD_WORKER_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.workers.append(Worker(process))
        return self.workers[-1]


def locust_of(pid: int) -> int:
    """The generator's process below that one, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        below, found = [pid], []
        while below:
            each = Path(f"/proc/{below.pop()}")
            with suppress(OSError):
                if b"joining" in (each / "cmdline").read_bytes():
                    found.append(int(each.name))
                below += map(int, (each / f"task/{each.name}/children").read_text().split())
        if found:
            return found[-1]
    raise AssertionError("no generator came")


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Hosts, int]]:
    """Three hosts; the system under load is on the first, at that port."""
    hosts = Hosts()
    try:
        for _ in range(3):
            hosts.add()
        fake = (sys.executable, str(ROOT / "tests/loadgen/fake_lectio.py"), "{}", hosts.address(SYSTEM))
        with subprocess.Popen(
            [*hosts.on(SYSTEM), *fake], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stdout is not None
            yield hosts, int(server.stdout.readline())
            server.kill()
    finally:
        hosts.close()


@pytest.fixture
def site(place: tuple[Hosts, int], tmp_path: Path) -> Iterator[Site]:
    """What is started there is gone afterwards."""
    made = Site(place[0], tmp_path, place[1])
    yield made
    for one in (*made.workers, *made.loads):
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
    for worker in made.workers:
        worker._reader.join(10)
        assert worker.process.stdout is not None
        worker.process.stdout.close()


def evidence_of(load: Load) -> Evidence:
    """As the checks look at it."""
    start = next((event.monotonic_seconds for event in load.events if event.name == "load-start"), None)
    return replace(
        make_evidence(),
        plan=load.plan,
        load_start_seconds=start,
        requests=tuple(load.rows),
        generator=tuple(load.samples),
        events=tuple(load.events),
    )


def assert_everything_was_kept(load: Load, workers: int) -> None:
    """The law of conservation, over all workers, and the plan's arrivals in the plan's seconds."""
    last = {sample.worker: sample for sample in load.samples}
    assert set(last) == set(load.event("load-start").detail["workers"])
    assert len(last) == workers
    for sample in load.samples:
        assert_conserved(sample)
    arrivals = list(schedule(load.plan))
    assert sum(sample.intended for sample in last.values()) == len(arrivals)
    planned = Counter(arrival.second for arrival in arrivals if arrival.flow in ("teachers", "students"))
    found: Counter[int] = Counter()
    for row in load.rows:
        if row.endpoint == "POST /login" and row.flow in ("teachers", "students"):
            found[row.second] += row.offered
    assert +found == planned
    counted = sum(sample.requests_completed for sample in last.values())
    assert counted == sum(
        row.completed for row in load.rows if row.kind not in ("job",) and "delivery" not in row.endpoint
    )


@own_clock
def test_two_hosts_with_slow_and_lossy_cables_and_clocks_of_their_own(site):
    """One host's clock is 1000 s ahead: everything is told by the master's."""
    site.hosts.lose(2, 0.01)
    site.hosts.throttle(3, 20_000_000)
    plan = make_plan(students=4.0, messages=4.0, sockets=20, probes=(2.5,), seconds=9.0)
    load = site.master(plan, 3)
    first = site.worker(2, "--processes", "2", ahead=1000)
    second = site.worker(3)
    command_lines = load.until(lambda: load.wait_for_event("worker-joined") and _command_lines())
    assert load.wait(60) == 0, load.log.read_text()
    assert (first.wait(), second.wait()) == (0, 0), first.text + second.text
    assert_everything_was_kept(load, 3)
    assert load.total("job end to end") == 1
    assert first.text.count("ended: completed") == 2
    assert re.search(r"this clock is \+1000\.0\d+ s off the master's", first.text) or "+999.9" in first.text
    clocks = {
        (event.detail["worker"], event.detail["when"]): event.detail
        for event in load.events
        if event.name == "worker-clock"
    }
    assert Counter(when for _, when in clocks) == {"start": 2, "end": 2}
    for clock in clocks.values():
        assert abs(clock["offset_seconds"] - 1000) <= clock["uncertainty_seconds"] < 0.05
    start = load.event("load-start").monotonic_seconds
    for row in (*load.samples, *load.acknowledged, *load.jobs, *load.events):
        assert -30 < row.monotonic_seconds - start < plan.duration_seconds + 15
    walls = [event.wall_seconds - event.monotonic_seconds for event in load.events]
    assert max(walls) - min(walls) < 0.5
    evidence = evidence_of(load)
    assert clock_drift.look(evidence).passed, clock_drift.look(evidence)
    assert worker_lost.look(evidence, plan.levels[0]).passed
    told = [path.read_bytes() for path in load.run.path.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in each for each in (*told, command_lines, first.text.encode(), second.text.encode()))


def _command_lines() -> bytes:
    """Of every process of this machine, as ps shows them."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return b"\n".join(lines)


def test_a_host_that_is_cut_off_is_lost_and_nothing_hangs(site):
    plan = make_plan(students=4.0, sockets=6, messages=2.0, seconds=16.0)
    load = site.master(plan, 2)
    stays, goes = site.worker(2), site.worker(3)
    load.wait_for_event("load-start")
    load.until(lambda: len(load.samples) >= 6)
    site.hosts.cut(3)
    try:
        lost = load.wait_for_event("worker-lost")
        assert lost.detail["reason"] == "not heard of any more"
        began = time.monotonic()
        assert goes.wait(30) == 22
        assert load.wait(60) == 0, load.log.read_text()
        assert time.monotonic() - began < 45
    finally:
        site.hosts.mend(3)
    assert stays.wait() == 0
    assert "not carried to its end" in goes.text
    assert load.event("generator-end").detail["reason"] == "completed"
    found = worker_lost.look(evidence_of(load), plan.levels[0])
    assert found.passed is False
    assert "lost at" in found.value
    kept = [sample for sample in load.samples if sample.worker == lost.detail["worker"]]
    assert len(kept) >= 2
    other = [sample for sample in load.samples if sample.worker != lost.detail["worker"]]
    assert other[-1].monotonic_seconds - load.event("load-start").monotonic_seconds >= 15


def test_who_may_not_take_part_is_told_so_on_both_sides(site):
    load = site.master(make_plan(seconds=9.0), 2)
    load.wait_for_event("workers-awaited")
    stranger = site.worker(2, token="another one, long enough")
    assert stranger.wait() == 22
    assert "error: the master does not know the token" in stranger.text
    own = site.folder / "flows.py"
    own.write_text((ROOT / "locustfiles/lectio.py").read_text() + "# mine\n")
    other = site.worker(2, "--locustfile", str(own))
    assert other.wait() == 22
    assert "has another lectio.py than the master" in other.text
    forbidden = site.worker(2, "--allow", "10.9.9.9")
    assert forbidden.wait() == 22, forbidden.text
    assert "nobody has allowed loading it" in forbidden.text
    good = [site.worker(2), site.worker(3)]
    load.wait_for_event("load-start")
    late = site.worker(3)
    assert late.wait() == 22
    assert "comes too late: the load has begun" in late.text
    assert load.wait(60) == 0, load.log.read_text()
    assert [worker.wait() for worker in good] == [0, 0]
    left = [event.detail["reason"] for event in load.events if event.name == "worker-left"]
    assert left == [f"{site.address} is not this machine, and nobody has allowed loading it"]
    reasons = [str(event.detail["reason"]) for event in load.events if event.name == "worker-refused"]
    assert [reason.partition("worker ")[2].split(" ", 1)[1] for reason in reasons] == [
        "has another lectio.py than the master",
        "comes too late: the load has begun",
    ]
    assert_everything_was_kept(load, 2)


def test_the_masters_loopback_is_not_the_workers(site):
    load = site.master(make_plan(), 1, target="http://127.0.0.1:8000")
    worker = site.worker(2)
    assert worker.wait() == 22
    assert "http://127.0.0.1:8000 is another machine for worker" in worker.text
    assert "hint: give the system's address as all hosts know it" in worker.text
    load.process.send_signal(signal.SIGTERM)
    assert load.wait(15) == 1
    assert load.event("generator-end").detail["reason"] == "not started: called off"


def test_too_few_come_in_time(site):
    load = site.master(make_plan(), 2, patience=6)
    worker = site.worker(2)
    assert load.wait(40) == 1
    reason = load.event("generator-end").detail["reason"]
    assert reason == "not started: 1 of 2 workers came within 6 s"
    assert worker.wait() == 22
    assert "1 of 2 workers came within 6 s" in worker.text


@own_clock
def test_the_offset_is_where_it_is_said_to_be_however_unequal_the_ways(site):
    """150 ms there and 5 ms back: the clock is known to about ± 78 ms, which is too little to be believed."""
    load = site.master(make_plan(students=2.0, seconds=8.0), 1)
    worker = site.worker(2, ahead=1000, master=site.way(2, 0.150, 0.005))
    assert load.wait(60) == 0, load.log.read_text()
    assert worker.wait() == 0, worker.text
    clocks = [event.detail for event in load.events if event.name == "worker-clock"]
    assert len(clocks) == 2
    for clock in clocks:
        assert 0.077 < clock["uncertainty_seconds"] < 0.2
        assert 0.05 < abs(clock["offset_seconds"] - 1000) <= clock["uncertainty_seconds"]
    found = clock_drift.look(evidence_of(load))
    assert (found.passed, found.reason.partition(",")[0]) == (False, "its messages take too long")
    assert_everything_was_kept(load, 1)


def test_a_plan_and_the_word_to_spawn_that_come_together_are_taken_one_after_the_other(site):
    """The way back takes 1.5 s, and the worker stands still when they arrive: it finds both at once."""
    load = site.master(make_plan(students=2.0, seconds=4.0), 1)
    worker = site.worker(2, master=site.way(2, 0.0, 1.5))
    load.wait_for_event("worker-joined")
    stopped = locust_of(worker.process.pid)
    os.kill(stopped, signal.SIGSTOP)
    threading.Event().wait(3.0)  # until both have long come
    os.kill(stopped, signal.SIGCONT)
    assert load.wait(60) == 0, load.log.read_text()
    assert worker.wait() == 0, worker.text
    assert_everything_was_kept(load, 1)


@own_clock
def test_a_worker_whose_clock_runs_otherwise_is_found_out(site, tmp_path):
    """A liar: its clock gains 2 % on the master's."""
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nreal = time.monotonic\nbegan = real()\n"
        "time.monotonic = lambda: real() + 0.02 * (real() - began)\n"
    )
    load = site.master(make_plan(students=2.0, seconds=8.0), 1)
    worker = site.worker(2, ahead=500, path=str(tmp_path))
    assert load.wait(60) == 0, load.log.read_text()
    assert worker.wait() == 0, worker.text
    found = clock_drift.look(evidence_of(load))
    assert found.passed is False
    assert found.reason == "its clock ran otherwise than the master's"
