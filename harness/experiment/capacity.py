"""A capacity search: trial after trial on one stack, until the state machine says that there is nothing more to learn.

The search's run directory holds the stack's logs and a line for each trial; every trial is an ordinary run directory
below it, made and judged like any other run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from harness.analysis.headline import TRIAL_KIND
from harness.analysis.trials import judge_trial
from harness.errors import GeneratorError
from harness.experiment.abort import MEMORY
from harness.experiment.idle import Idle
from harness.experiment.run import Execution
from harness.experiment.settings import Observer, Settings, StopRequest
from harness.experiment.standing import Journal, Standing, called_off, in_words, standing, subject, told_where
from harness.model.capacity import Bracket, SearchEnd, Trial, TrialResult
from harness.model.exploration import Search, TrialUnderWay
from harness.model.plan import LoadPlan
from harness.planning.search import bracket, next_step
from harness.planning.trials import TrialProfile, trial_plan, trial_stage
from harness.store.jsonl import Appender, write_whole
from harness.store.layout import RunDirectory, create_run_directory
from harness.store.read import read_run

COMPLETE = "complete"
KIND = "capacity"


class SearchObserver(Observer, Protocol):
    """Shows a search to a person."""

    def trial_begins(self, now: TrialUnderWay, plan: LoadPlan) -> None:
        """A trial is about to be made."""

    def trial_ended(self, result: TrialResult, found: Bracket) -> None:
        """A trial was judged; the bracket as it is with it."""


class _Ended(Exception):
    """The search cannot go on; its text is the reason, as the journal keeps it."""


def explore(
    settings: Settings, search: Search, profile: TrialProfile, observer: SearchObserver, stop: StopRequest
) -> RunDirectory:
    """Search for the capacity, and leave the evidence in a new run directory, which is returned.

    settings: of the stage as a whole; its plan is that of the first trial. Raises StackError or GeneratorError when not
    even one trial could be made; after that, whatever happens is a search that was cut short.
    """
    home = create_run_directory(settings.runs, settings.target.name, settings.stage.name, KIND, datetime.now(UTC))
    with told_where(home, observer):
        write_whole(home.search, search)
        with standing(replace(settings, kind=KIND), home, observer, stop) as up:
            if up is not None:
                _Exploration(settings, search, profile, up, observer, stop).carry_out()
    return home


@dataclass(slots=True)
class _Exploration:
    settings: Settings
    search: Search
    profile: TrialProfile
    up: Standing
    observer: SearchObserver
    stop: StopRequest
    results: list[TrialResult] = field(default_factory=list)

    def carry_out(self) -> None:
        """Make the trials and stop the servers; the last event says how it ended."""
        ended = "failed"
        try:
            ended = self._search()
        except KeyboardInterrupt:
            ended = f"interrupted: {self.stop.reason}"
            raise
        except Exception as error:
            ended = f"failed: {in_words(error)}"
            raise
        finally:
            self.observer.step("stopping the servers")
            self.up.servers.stop()
            self.up.journal.write("run-end", reason=ended)

    def _search(self) -> str:
        idle = Idle(self.up.servers, self.up.run, self.stop)
        with Appender(self.up.run.trials) as lines:
            while True:
                step = next_step(self.search.settings, self.results)
                if isinstance(step, SearchEnd):
                    return COMPLETE
                try:
                    result = self._make(step, idle)
                except _Ended as end:
                    return str(end)
                except GeneratorError as error:
                    if not self.results:
                        raise
                    self.observer.note(in_words(error))
                    return f"failed: {in_words(error)}"
                lines.append(result[0])
                self.results.append(result[0])
                self.observer.trial_ended(result[0], self._bracket())
                if result[1]:
                    self.observer.note(f"the search ends: {result[1]}")
                    return result[1]

    def _make(self, trial: Trial, idle: Idle) -> tuple[TrialResult, str]:
        """The trial's line, and why no other can follow it (empty where one can)."""
        began = time.monotonic()
        target, stage, first = self.settings.target, self.settings.stage, self.settings.plan
        # Every trial has arrivals of its own: a confirmation that repeats them would confirm less.
        plan = trial_plan(
            target,
            stage,
            self.profile,
            trial.rate_per_second,
            trial.measure_seconds,
            seed=first.seed + trial.number - 1,
            arrivals=first.arrivals,
        )
        self.observer.trial_begins(TrialUnderWay(trial, self._bracket(), self._left()), plan)
        self.observer.step(
            "waiting until the queues are as before" if self.results else "looking at the queues at rest"
        )
        drained = idle.wait()
        if self.stop.asked:
            raise _Ended(called_off(self.stop, self.observer))
        settings = replace(
            self.settings, stage=trial_stage(stage, plan), plan=plan, kind=TRIAL_KIND, abort_rules=(MEMORY,)
        )
        run = self._folder(trial, settings)
        journal = Journal(run)
        try:
            journal.write("run-start", run=run.path.name)
            self.up.journal.write("trial", number=trial.number, rate=trial.rate_per_second)
            ended = Execution(settings, run, self.up.servers, journal, self.observer, self.stop).carry_out()
        finally:
            journal.close()
        if ended.startswith("interrupted"):
            raise _Ended(ended)
        self.observer.step("judging the trial")
        evidence = read_run(run.path)
        dead = [str(event.detail.get("process")) for event in evidence.events if event.name == "process-died"]
        last = ended if ended.startswith("aborted") else f"stopped: {', '.join(dead)} died" if dead else ""
        judged = judge_trial(
            evidence,
            trial,
            took_seconds=time.monotonic() - began,
            drained=drained,
            folder=str(run.path.relative_to(self.up.run.path)),
        )
        return judged.result, last

    def _folder(self, trial: Trial, settings: Settings) -> RunDirectory:
        run = self.up.run.trial(trial.number)
        run.logs.mkdir(parents=True)
        home = self.up.manifest
        manifest = replace(
            home,
            run_id=f"{home.run_id}/trials/{run.path.name}",
            kind=TRIAL_KIND,
            seed=settings.plan.seed,
            started_wall_seconds=time.time(),
        )
        write_whole(run.manifest, manifest)
        write_whole(run.plan, settings.plan)
        write_whole(run.target, subject(settings))
        return run

    def _bracket(self) -> Bracket:
        return bracket(self.search.settings, self.results)

    def _left(self) -> float:
        return left_seconds(self.search, self.results)


def left_seconds(search: Search, results: Sequence[TrialResult]) -> float:
    """Of the budget, after these trials."""
    return max(0.0, search.settings.budget_seconds - sum(result.took_seconds for result in results))


def end_of(search: Search, results: Sequence[TrialResult], ended: str) -> SearchEnd:
    """The state machine's last word on the trials; where it would go on, the search was cut short, for the reason that
    the driver gave (empty when it was killed)."""
    step = next_step(search.settings, results)
    if isinstance(step, SearchEnd):
        return step
    if ended == COMPLETE:
        why = "judged again, its trials no longer decide it: more would be needed"
    elif ended.startswith("interrupted: "):
        why = ended.removeprefix("interrupted: ")
    else:
        why = ended or "the harness was ended: nothing more was written"
    return SearchEnd(bracket(search.settings, results), False, why)
