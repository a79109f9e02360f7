"""The order of things in a search, and that nothing is lost when one of them fails. The trials' loads are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness.experiment.capacity as subject
import harness.experiment.standing as standing
from harness.errors import GeneratorError, StackError
from harness.experiment.abort import MEMORY
from harness.experiment.capacity import COMPLETE, end_of, explore
from harness.experiment.idle import Idle, at_baseline, queues
from harness.experiment.settings import Settings, StopRequest
from harness.model.capacity import TrialResult
from harness.model.exploration import Search
from harness.model.plan import Arrivals
from harness.model.samples import Event
from harness.model.verdict import Outcome
from harness.planning.build import peak_mix
from harness.planning.trials import trial_plan
from harness.store.jsonl import Appender, read_lines
from harness.store.layout import RunDirectory
from harness.store.read import read_capacity
from tests.support.searches import LECTIO, SMOKE, STAGE_A, MadeUp, settings


class Watcher:
    """A SearchObserver that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.lines: list[TrialResult] = []
        self.plans: list[float] = []

    def step(self, _: str) -> None:
        pass

    def stack_ready(self, *_: object) -> None:
        pass

    def live(self, _: object) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)

    def trial_begins(self, now: object, plan) -> None:
        self.plans.append(plan.levels[0].rate.value)

    def trial_ended(self, result: TrialResult, _: object) -> None:
        self.lines.append(result)


class MadeUpServers(SimpleNamespace):
    """Up from the start, and idle."""

    def __init__(self) -> None:
        super().__init__(
            base_url="http://127.0.0.1:1",
            limits="none",
            limits_enforced=True,
            read_back=(),
            versions={},
            deviations=(),
            watched=[],
            stops=0,
        )

    def start_sampling(self, run: RunDirectory) -> None:
        self.watched.append(run.path.name)

    def stop_sampling(self) -> tuple[str, ...]:
        return ()

    def latest(self) -> dict[str, float]:
        return {"celery.depth.default": 0.0, "host.cpu_busy_ratio": 0.3}

    def stop(self) -> None:
        self.stops += 1


class Laboratory:
    """A search whose trials take no time. happens: what a trial does at its end, by its number, instead of ending."""

    def __init__(self, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.system = MadeUp(capacity=310)
        self.servers = MadeUpServers()
        self.stop = StopRequest()
        self.watcher = Watcher()
        self.happens: dict[int, Callable[[RunDirectory], str]] = {}
        self.made: list[Settings] = []
        self.runs = runs
        search = settings()
        plan = trial_plan(LECTIO, STAGE_A, SMOKE, search.first_rate_per_second, 20, seed=7)
        self.search = Search(search, peak_mix(LECTIO, STAGE_A).rate, Arrivals.POISSON)
        self.settings = Settings(LECTIO, STAGE_A, plan, runs, Path("flows.py"), "digest", "proofload capacity")
        laboratory = self

        class Execution:
            def __init__(self, settings: Settings, run: RunDirectory, servers, journal, observer, stop) -> None:
                laboratory.made.append(settings)
                self.run, self.journal = run, journal

            def carry_out(self) -> str:
                ended = laboratory.happens.get(int(self.run.path.name), lambda _: COMPLETE)(self.run)
                self.journal.write("run-end", reason=ended)
                return ended

        def judge_trial(evidence, trial, **facts):
            return SimpleNamespace(result=replace(laboratory.system.trial(trial), **facts))

        monkeypatch.setattr(standing, "bring_up", lambda *_: self.servers)
        monkeypatch.setattr(subject, "Execution", Execution)
        monkeypatch.setattr(subject, "judge_trial", judge_trial)
        monkeypatch.setattr("harness.experiment.idle.BASELINE_SECONDS", 0.2)
        monkeypatch.setattr("harness.experiment.idle.POLL_SECONDS", 0.01)

    def explore(self) -> RunDirectory:
        return explore(self.settings, self.search, SMOKE, self.watcher, self.stop)

    @property
    def home(self) -> RunDirectory:
        return RunDirectory(next(path.parent for path in self.runs.glob("*/search.json")))

    @property
    def lines(self) -> list[TrialResult]:
        return list(read_lines(self.home.trials, TrialResult))

    @property
    def ended(self) -> str:
        return read_capacity(self.home.path).ended


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    return Laboratory(tmp_path, monkeypatch)


def raising(error: BaseException) -> Callable[[RunDirectory], str]:
    def fail(_: RunDirectory) -> str:
        raise error

    return fail


def test_a_search_to_its_end_leaves_a_line_and_a_run_for_each_trial(laboratory: Laboratory) -> None:
    assert laboratory.explore() == laboratory.home
    assert laboratory.ended == COMPLETE
    lines = laboratory.lines
    assert lines == laboratory.watcher.lines
    assert [line.trial.number for line in lines] == list(range(1, len(lines) + 1))
    assert all((laboratory.home.path / line.folder / "plan.json").exists() for line in lines)
    found = read_capacity(laboratory.home.path)
    assert found.manifest.kind == "capacity"
    assert found.audit is not None
    assert found.audit.findings
    assert [evidence.manifest.kind for evidence in found.trials if evidence is not None] == ["trial"] * len(lines)
    assert end_of(laboratory.search, lines, COMPLETE).complete
    assert laboratory.servers.stops > 0


def test_every_trial_has_its_own_rate_seed_and_slos(laboratory: Laboratory) -> None:
    laboratory.explore()
    rates = [line.trial.rate_per_second for line in laboratory.lines]
    assert [made.plan.levels[0].rate.value for made in laboratory.made] == pytest.approx(rates)
    assert len({made.plan.seed for made in laboratory.made}) == len(rates)
    assert {slo.levels for made in laboratory.made for slo in made.stage.slos} == {("peak",)}
    assert {made.abort_rules for made in laboratory.made} == {(MEMORY,)}, "overload is what is searched for"


def test_between_trials_the_servers_are_watched_for_the_search(laboratory: Laboratory) -> None:
    laboratory.explore()
    assert laboratory.servers.watched == [laboratory.home.path.name] * len(laboratory.lines)


def test_ctrl_c_in_a_trial_ends_the_search_and_keeps_the_others(laboratory: Laboratory) -> None:
    def interrupt(_: RunDirectory) -> str:
        laboratory.stop.ask("Ctrl-C")
        return "interrupted: Ctrl-C"

    laboratory.happens[3] = interrupt
    laboratory.explore()
    assert len(laboratory.lines) == 2
    assert laboratory.ended == "interrupted: Ctrl-C"
    end = end_of(laboratory.search, laboratory.lines, laboratory.ended)
    assert (end.complete, end.reason) == (False, "Ctrl-C")
    assert end.bracket.lower_per_second == 120
    assert laboratory.servers.stops > 0


def test_ctrl_c_between_trials(laboratory: Laboratory) -> None:
    def interrupt(_: RunDirectory) -> str:
        laboratory.stop.ask("SIGTERM")
        return COMPLETE

    laboratory.happens[2] = interrupt
    laboratory.explore()
    assert len(laboratory.lines) == 2
    assert laboratory.ended == "interrupted: SIGTERM"


def test_a_second_ctrl_c_stops_the_servers_and_says_how_to_judge_later(laboratory: Laboratory) -> None:
    laboratory.stop.reason = "Ctrl-C"
    laboratory.happens[2] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        laboratory.explore()
    assert laboratory.ended == "interrupted: Ctrl-C"
    assert f"proofload report {laboratory.home.path}" in laboratory.watcher.notes[-1]
    assert laboratory.servers.stops > 0


def test_a_first_trial_that_never_begins_is_an_error_that_names_the_run(laboratory: Laboratory) -> None:
    laboratory.happens[1] = raising(GeneratorError("it crashed"))
    with pytest.raises(GeneratorError) as caught:
        laboratory.explore()
    assert any(str(laboratory.home.path) in place for place in caught.value.where)
    assert laboratory.ended == "failed: it crashed"
    assert laboratory.servers.stops > 0


def test_a_later_trial_that_never_begins_ends_the_search(laboratory: Laboratory) -> None:
    laboratory.happens[4] = raising(GeneratorError("it crashed"))
    laboratory.explore()
    assert (len(laboratory.lines), laboratory.ended) == (3, "failed: it crashed")


def test_servers_that_do_not_come_up_are_an_error(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StackError("nginx would not start")

    monkeypatch.setattr(standing, "bring_up", refuse)
    with pytest.raises(StackError):
        laboratory.explore()
    assert laboratory.ended == "failed: nginx would not start"


def test_a_dead_server_ends_the_search_with_the_trial_that_saw_it(laboratory: Laboratory) -> None:
    def die(run: RunDirectory) -> str:
        with Appender(run.events) as events:
            events.append(Event(1.0, 1.0, "process-died", {"process": "gunicorn"}))
        return COMPLETE

    laboratory.happens[2] = die
    laboratory.explore()
    assert len(laboratory.lines) == 2
    assert laboratory.ended == "stopped: gunicorn died"


def test_an_aborted_trial_is_the_last(laboratory: Laboratory) -> None:
    laboratory.happens[2] = lambda _: "aborted: the host's memory is over 95 % full"
    laboratory.explore()
    assert len(laboratory.lines) == 2
    assert laboratory.ended.startswith("aborted: ")


def test_a_search_that_was_killed_is_read_up_to_its_last_whole_line(laboratory: Laboratory) -> None:
    laboratory.explore()
    whole = laboratory.home.trials.read_bytes()
    laboratory.home.trials.write_bytes(whole[: whole.index(b"\n") + 40])
    found = read_capacity(laboratory.home.path)
    assert [line.trial.number for line in found.lines] == [1]
    assert found.trials[0] is not None


def test_a_trial_whose_folder_has_gone_is_known_by_its_line(laboratory: Laboratory) -> None:
    laboratory.explore()
    laboratory.home.trial(1).manifest.unlink()
    found = read_capacity(laboratory.home.path)
    assert found.trials[0] is None
    assert found.lines[0].outcome is Outcome.PASS


def test_what_is_judged_anew_may_leave_more_to_do(laboratory: Laboratory) -> None:
    laboratory.explore()
    changed = [*laboratory.lines[:-1], replace(laboratory.lines[-1], outcome=Outcome.INVALID)]
    end = end_of(laboratory.search, changed, COMPLETE)
    assert not end.complete
    assert "judged again" in end.reason


# Idle --------------------------------------------------------------------------------------------------------------


def test_only_what_waits_is_watched() -> None:
    values = {"celery.depth.heavy": 2.0, "application.requests_in_flight": 1.0, "host.cpu_busy_ratio": 0.9}
    assert queues(values) == {"celery.depth.heavy": 2.0, "application.requests_in_flight": 1.0}


@pytest.mark.parametrize(
    ("now", "idle"), [({"a": 1.0}, True), ({"a": 0.0}, True), ({"a": 1.5}, False), ({}, False), ({"b": 0.0}, False)]
)
def test_the_baseline_is_what_was_before(now: dict[str, float], idle: bool) -> None:
    assert at_baseline(now, {"a": 1.0}) is idle


def test_queues_that_do_not_empty_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.experiment.idle.BASELINE_SECONDS", 0.02)
    monkeypatch.setattr("harness.experiment.idle.PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("harness.experiment.idle.POLL_SECONDS", 0.01)
    servers = MadeUpServers()
    depth = [0.0]
    servers.latest = lambda: {"celery.depth.default": depth[0]}
    idle = Idle(servers, RunDirectory(tmp_path), StopRequest())
    assert idle.wait()
    depth[0] = 3.0
    assert not idle.wait()
    depth[0] = 0.0
    assert idle.wait()
