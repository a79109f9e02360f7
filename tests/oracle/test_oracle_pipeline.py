"""The whole pipeline against the oracle: an honest server is believed, and each liar makes the run INVALID."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.judge import judge
from harness.experiment.live import LiveStatus
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.model.evidence import Evidence
from harness.model.plan import LevelName, LoadPlan
from harness.model.run import Manifest
from harness.model.verdict import Outcome, RunVerdict
from harness.oracle.launch import Oracle, start
from harness.oracle.liars import generator_processes, kill_newest, with_drifting_clock
from harness.oracle.log import read_served
from harness.oracle.metrics import Lie
from harness.oracle.throttle import cpu_quota, enter, throttled_seconds
from harness.planning.build import build_plan
from harness.planning.profiles import Profile
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from targets.loader import parse_target
from tests.support.command import PROJECT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

TINY = Profile("tiny", 1, 1, 5, 1, 0.5, 0, False, 10, "for tests")
WATCHED = """
[[slos]]
id = "application-time"
title = "Time in the application"
sli = "application_request_seconds"
at_most = "200 ms"
levels = ["normal", "peak", "recovery"]
cite = "Stage 1"
derived = "its mean response time is 23 ms at 75 % of its capacity"
"""
HONEST = Lie()
METRICS_CHECKS = ("frozen-series", "counter-reset")

Act = Callable[[RunDirectory, float], None]
"""What a liar does, told each second of the load."""


class Watcher:
    """Shows nobody anything; lets a liar act."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._run: RunDirectory | None = None
        self._second = 0

    def step(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        self._run = run

    def live(self, status: LiveStatus) -> None:
        assert self._run is not None
        self._second += 1
        self._act(self._run, self._second)


def honest(run: RunDirectory, second: float) -> None:
    """Does nothing."""


def two_levels(plan: LoadPlan) -> LoadPlan:
    """normal and peak only: the other two prove nothing more about a liar."""
    levels = plan.levels[:2]
    end = levels[-1].end_seconds
    streams = tuple(
        replace(stream, segments=tuple(each for each in stream.segments if each.end_seconds <= end))
        for stream in plan.streams
    )
    held = replace(plan.held, points=((0.0, 0), (end, 0)))
    return replace(plan, levels=levels, streams=streams, held=held)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Evidence]]:
    with ExitStack() as servers:

        def run(*, lie: Lie = HONEST, act: Act = honest, log: Path | None = None) -> Evidence:
            server: Oracle = servers.enter_context(start("mmc", log=log, lie=lie, servers=2, service_seconds=0.010))
            monkeypatch.setenv("PROOFLOAD_METRICS_URL", f"{server.url}/metrics")
            monkeypatch.setenv("PROOFLOAD_NGINX_STATUS_URL", f"{server.url}/nginx_status")
            text = (PROJECT / "harness/oracle/target.toml").read_text() + WATCHED
            target = parse_target(text, "oracle.toml")
            stage = target.stage("1")
            settings = Settings(
                target=target,
                stage=stage,
                plan=two_levels(build_plan(target, stage, TINY, seed=7)),
                runs=tmp_path / "runs",
                locustfile=PROJECT / "locustfiles" / target.locustfile,
                plan_digest="",
                command="a test",
                base_url=server.url,
            )
            return read_run(execute(settings, Watcher(act), StopRequest()).path)

        yield run


def failed(verdict: RunVerdict, check: str) -> list[str]:
    return [each.level for each in verdict.checks if each.id == check and each.passed is False]


def test_an_honest_server_is_believed_and_a_drifting_clock_is_not(
    load: Callable[..., Evidence], tmp_path: Path
) -> None:
    log = tmp_path / "served.jsonl"
    evidence = load(log=log)
    verdict = judge(evidence)
    assert {each.passed for each in verdict.checks if each.id in METRICS_CHECKS} == {True}
    assert not any(set(cell.tainted_by) & set(METRICS_CHECKS) for cell in verdict.verdicts)
    cell = verdict.cell("application-time", "peak")
    assert cell is not None
    assert cell.measurement is not None
    rows = read_served(log)
    assert len(rows) == sum(row.completed for row in evidence.requests)
    mean = sum(row.response_seconds for row in rows) / len(rows)
    assert cell.measurement.value == pytest.approx(mean, rel=0.5)

    drifting = judge(with_drifting_clock(evidence, 0.01))
    assert failed(drifting, "clock-drift") == [""]
    drifting_cell = drifting.cell("response-time", "peak")
    assert drifting_cell is not None
    assert drifting_cell.outcome is Outcome.INVALID
    assert "clock-drift" in drifting_cell.tainted_by
    assert drifting.outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("lie", "check"),
    [(Lie(freeze_after_seconds=9.5), "frozen-series"), (Lie(reset_after_seconds=10.5), "counter-reset")],
    ids=["frozen", "reset"],
)
def test_numbers_that_lie_are_not_believed(load: Callable[..., Evidence], lie: Lie, check: str) -> None:
    verdict = judge(load(lie=lie))
    assert failed(verdict, check) == [LevelName.PEAK.value]
    cell = verdict.cell("application-time", "peak")
    assert cell is not None
    assert cell.outcome is Outcome.INVALID
    assert check in cell.tainted_by
    assert verdict.outcome is Outcome.INVALID


def test_a_throttled_generator_is_not_believed(load: Callable[..., Evidence]) -> None:
    with cpu_quota(0.02) as cgroup:

        def throttle(run: RunDirectory, second: float) -> None:
            if second == 1:
                for pid in generator_processes(run.path):
                    enter(cgroup, pid)

        verdict = judge(load(act=throttle))
        assert throttled_seconds(cgroup) > 0.5
    for level in ("normal", "peak"):
        cell = verdict.cell("response-time", level)
        assert cell is not None
        assert cell.outcome is Outcome.INVALID, cell.reason
    assert verdict.outcome is Outcome.INVALID


def test_a_generator_that_dies_proves_nothing(load: Callable[..., Evidence]) -> None:
    def kill(run: RunDirectory, second: float) -> None:
        if second == 11:
            kill_newest(run.path)

    evidence = load(act=kill)
    verdict = judge(evidence)
    assert evidence.event("worker-lost") is not None
    assert "generator" in verdict.cut_short
    cell = verdict.cell("response-time", "peak")
    assert cell is not None
    assert cell.outcome is Outcome.INCONCLUSIVE
    assert verdict.outcome is Outcome.INCONCLUSIVE
