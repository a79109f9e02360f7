"""The generator as it really runs: the locust command in a process of its own, against a server in another.

Importing locust patches the process that does it, so these tests never import it, nor harness.loadgen.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import (
    Arrivals,
    Held,
    Level,
    LevelName,
    LoadPlan,
    Phase,
    PhaseName,
    Segment,
    Stream,
)
from harness.model.samples import AcknowledgedWrite, Event, GeneratorSample, JobEvent, RequestRow
from harness.model.target import Flow, FlowKind
from harness.model.units import Unit
from harness.store.jsonl import read_lines, read_whole, write_whole
from harness.store.layout import RunDirectory

ROOT = Path(__file__).parents[2]
FLOWS = (
    Flow("teachers", FlowKind.HTTP, "Teacher", 0.2, 7),
    Flow("students", FlowKind.HTTP, "Student", 0.8, 6),
    Flow("classroom", FlowKind.SOCKETIO, "Classroom", 0, 0),
    Flow("uploads", FlowKind.UPLOAD, "Uploader", 0, 12),
)


@dataclass
class FakeLectio:
    """The server under load."""

    process: subprocess.Popen[str]
    port: int

    def control(self, **faults: Any) -> list[list[str]]:
        """Set faults; every request seen so far."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/control",
            json.dumps(faults).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            seen: list[list[str]] = json.load(response)["seen"]
            return seen


@dataclass
class Load:
    """A generator process and what it left behind."""

    process: subprocess.Popen[bytes]
    run: RunDirectory
    log: Path

    def wait(self, seconds: float = 40) -> int:
        return self.process.wait(seconds)

    def until(self, happened: Callable[[], Any], seconds: float = 20) -> Any:
        """What ``happened`` returns once it is true, looking at the files every now and then."""
        deadline, pause = time.monotonic() + seconds, threading.Event()
        while not (value := happened()):
            assert time.monotonic() < deadline, f"not within {seconds} s:\n{self.log.read_text()}"
            pause.wait(0.05)
        return value

    def wait_for_event(self, name: str) -> Event:
        event: Event = self.until(lambda: next((event for event in self.events if event.name == name), None))
        return event

    @property
    def plan(self) -> LoadPlan:
        return read_whole(self.run.plan, LoadPlan)

    @property
    def last(self) -> GeneratorSample | None:
        return self.samples[-1] if self.samples else None

    @property
    def rows(self) -> list[RequestRow]:
        return list(read_lines(self.run.requests, RequestRow))

    def total(self, endpoint: str, field: str = "completed") -> int:
        return sum(getattr(row, field) for row in self.rows if row.endpoint == endpoint)

    @property
    def samples(self) -> list[GeneratorSample]:
        return list(read_lines(self.run.generator, GeneratorSample))

    @property
    def events(self) -> list[Event]:
        return list(read_lines(self.run.events, Event))

    @property
    def acknowledged(self) -> list[AcknowledgedWrite]:
        return list(read_lines(self.run.acknowledged, AcknowledgedWrite))

    @property
    def jobs(self) -> list[JobEvent]:
        return list(read_lines(self.run.jobs, JobEvent))

    def event(self, name: str) -> Event:
        return next(event for event in self.events if event.name == name)


def make_plan(
    *,
    teachers: float = 1.0,
    students: float = 3.0,
    messages: float = 0.0,
    sockets: int = 0,
    probes: tuple[float, ...] = (),
    seconds: float = 6.0,
    max_in_flight: int = 60,
    max_waiting: int = 1000,
    think: tuple[float, float] = (0.02, 0.05),
    request_timeout: float = 5.0,
    job_timeout: float = 20.0,
) -> LoadPlan:
    """One level: a ramp of a second, then a plateau, then a drain of a second."""
    end = seconds - 1
    figure = Figure("rate", 10, Unit.PER_SECOND, Provenance.STATED, Citation("test", "test"))

    def stream(flow: str, rate: float, extra: tuple[float, ...] = ()) -> Stream:
        segments = (Segment(0, 1, 0, rate), Segment(1, end, rate, rate)) if rate else ()
        return Stream(flow, segments, extra)

    level = Level(
        LevelName.NORMAL,
        figure,
        figure,
        messages,
        0.0,
        len(probes),
        (
            Phase(PhaseName.RAMP, 0, 1),
            Phase(PhaseName.SETTLE, 1, 2),
            Phase(PhaseName.MEASURE, 2, end),
            Phase(PhaseName.DRAIN, end, seconds),
        ),
    )
    return LoadPlan(
        system="lectio",
        stage="A",
        profile="test",
        seed=7,
        arrivals=Arrivals.POISSON,
        levels=(level,),
        flows=FLOWS,
        streams=(
            stream("teachers", teachers),
            stream("students", students),
            stream("classroom", messages),
            stream("uploads", 0.0, probes),
        ),
        held=Held(((0.0, 0), (1.0, sockets), (end, sockets), (seconds, sockets // 2))),
        thresholds_seconds=(0.5, 1.0),
        room_size=5,
        think_seconds=think,
        request_timeout_seconds=request_timeout,
        job_timeout_seconds=job_timeout,
        max_in_flight=max_in_flight,
        max_waiting=max_waiting,
        recovery_bound_seconds=30,
        batch_seconds=1,
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[..., FakeLectio]]:
    """Starts a server with faults."""
    started: list[subprocess.Popen[str]] = []

    def start(**faults: Any) -> FakeLectio:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/loadgen/fake_lectio.py"), json.dumps(faults)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return FakeLectio(process, int(process.stdout.readline()))

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Load]]:
    """Starts the generator on a plan; ``through`` is a command that starts it."""
    started: list[Load] = []
    folder = tmp_path_factory.mktemp("loads")
    clip = folder / "clip.mp4"
    clip.write_bytes(b"\0" * 300_000)

    def start(
        port: int,
        plan: LoadPlan,
        locustfile: str = "locustfiles/lectio.py",
        through: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        workers: int = 1,
    ) -> Load:
        run = RunDirectory(folder / f"run{len(started)}")
        run.logs.mkdir(parents=True)
        write_whole(run.plan, plan)
        log = run.logs / "generator.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*through, *locust_command(port, locustfile, workers), *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    **({"PROOFLOAD_WORKERS": str(workers)} if workers > 1 else {}),
                    "PYTHONPATH": str(ROOT),
                    "PROOFLOAD_RUN": str(run.path),
                    "PROOFLOAD_CLIP": str(clip),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        started.append(Load(process, run, log))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGKILL)
            one.process.wait()


def locust_command(port: int, locustfile: str = "locustfiles/lectio.py", workers: int = 1) -> list[str]:
    """As the harness starts it."""
    master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0")
    return [
        *(sys.executable, "-m", "locust", "-f", locustfile, "--headless", "--host", f"http://127.0.0.1:{port}"),
        *("--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"),
        *((*master, "--expect-workers", str(workers)) if workers > 1 else ()),
    ]
