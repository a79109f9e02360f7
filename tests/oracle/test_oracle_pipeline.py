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
from harness.model.target import FlowKind
from harness.model.verdict import Outcome, RunVerdict
from harness.oracle.launch import Oracle, start
from harness.oracle.liars import generator_processes, kill_newest, with_drifting_clock
from harness.oracle.log import read_delivered, read_served
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
    assert cell.outcome is Outcome.INVALID
    assert cell.tainted_by == ("worker-lost",)
    assert failed(verdict, "worker-lost") == [LevelName.PEAK.value]
    assert verdict.outcome is Outcome.INVALID
    assert "was lost at" in verdict.headline


def run_lectio(runs: Path, url: str, profile: Profile) -> Evidence:
    """normal and peak of a small Lectio, with the reference application's own flows, on whatever is there."""
    text = (PROJECT / "targets/lectio.toml").read_text()
    target = parse_target(text, "lectio.toml")
    stage = target.stage("A")
    figures = {
        "normal_rps": 15.0,
        "peak_rps": 20.0,
        "normal_users": 20.0,
        "concurrent_users": 30.0,
        "message_rate_per_user": 0.2,
    }
    load = tuple(
        replace(figure, value=figures.get(figure.name, figure.value), high=None) if figure.name in figures else figure
        for figure in stage.load
    )
    stage = replace(stage, load=load)
    target = replace(target, flows=tuple(flow for flow in target.flows if flow.kind is not FlowKind.UPLOAD))
    plan = build_plan(target, stage, profile, seed=7)
    end = plan.levels[1].end_seconds
    before = tuple(point for point in plan.held.points if point[0] <= end)
    plan = two_levels(plan)
    plan = replace(plan, held=replace(plan.held, points=(*before, (end, before[-1][1]))))
    settings = Settings(
        target=target,
        stage=stage,
        plan=plan,
        runs=runs,
        locustfile=PROJECT / "locustfiles/lectio.py",
        plan_digest="",
        command="a test",
        base_url=url,
    )
    return read_run(execute(settings, Watcher(honest), StopRequest()).path)


def test_the_classroom_flow_finds_what_chat_really_lost(tmp_path: Path) -> None:
    log = tmp_path / "chat.jsonl"
    with start("chat", log=log, lost=0.15, duplicated=0.05, reordered=0.05) as server:
        evidence = run_lectio(tmp_path / "runs", server.url, replace(TINY, drain_seconds=3))
    assert not any(row.errors for row in evidence.requests if row.kind == "http")
    rows = [row for row in evidence.requests if row.endpoint == "socket delivery"]
    expected, heard = sum(row.expected for row in rows), sum(row.completed for row in rows)
    deliveries = read_delivered(log)
    lost = sum(row.fate == "lost" for row in deliveries)
    assert expected == len(deliveries) > 100
    assert expected - heard == lost > 0


JOBS = """
[flows.sender]
kind = "upload"
user_class = "Sender"
http_steps = 2
"""


def test_the_upload_flow_finds_how_long_jobs_really_wait_and_take(tmp_path: Path) -> None:
    log = tmp_path / "jobs.jsonl"
    text = (PROJECT / "harness/oracle/target.toml").read_text()
    text = text.replace("[[stages]]", f"{JOBS}\n[[stages]]", 1)
    text = text.replace('normal_rps = { is = "40/s"', 'upload_rate = "3600-7200/h"\nnormal_rps = { is = "40/s"')
    target = parse_target(text, "jobs.toml")
    stage = target.stage("1")
    with start("jobs", log=log, workers=1, service_seconds=0.6) as server:
        settings = Settings(
            target=target,
            stage=stage,
            plan=two_levels(build_plan(target, stage, replace(TINY, drain_seconds=4), seed=7)),
            runs=tmp_path / "runs",
            locustfile=PROJECT / "locustfiles/oracle.py",
            plan_digest="",
            command="a test",
            base_url=server.url,
        )
        evidence = read_run(execute(settings, Watcher(honest), StopRequest()).path)
    jobs = read_served(log)
    assert len(jobs) == len({job.id for job in evidence.jobs if job.state == "accepted"}) > 8
    for endpoint, truth in (
        ("job processing", sum(row.service_seconds for row in jobs)),
        ("job queue wait", sum(row.start_seconds - row.arrival_seconds for row in jobs)),
    ):
        rows = [row for row in evidence.requests if row.endpoint == endpoint]
        assert sum(row.completed for row in rows) == len(jobs)
        assert sum(row.service.sum_seconds for row in rows) == pytest.approx(truth, rel=0.01)
    ends = [row for row in evidence.requests if row.endpoint == "job end to end"]
    assert not any(row.errors for row in ends)
    # Seen by asking once a second: at most that, and a little, later than it was.
    seen, truth = sum(row.service.sum_seconds for row in ends), sum(row.response_seconds for row in jobs)
    assert truth <= seen < truth + 1.3 * len(jobs)
