"""Claims of improvement, measured: a pair of ordinary runs for each switch, without and with it, each on a stack of its
own, since a switch changes the stack. The same seed gives both the same load.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from harness.errors import GeneratorError, StackError
from harness.experiment.run import execute
from harness.experiment.settings import Observer, Settings, StopRequest
from harness.experiment.standing import Journal, first_manifest, in_words, subject, told_where
from harness.model.claims import CLAIMS_KIND, COMPLETE, ClaimsAsked, PairRun
from harness.model.plan import LoadPlan
from harness.model.samples import Event
from harness.model.target import Switch
from harness.planning.claims import pair_seconds, side
from harness.store.jsonl import Appender, read_lines, write_whole
from harness.store.layout import RunDirectory, create_run_directory


class ClaimsObserver(Observer, Protocol):
    """Shows the pairs to a person."""

    def run_begins(self, switch: Switch, words: str, plan: LoadPlan) -> None:
        """A run of a pair is about to be made; words: with or without what."""

    def run_ended(self, done: PairRun) -> None:
        """It was made."""


def measure_claims(settings: Settings, asked: ClaimsAsked, observer: ClaimsObserver, stop: StopRequest) -> RunDirectory:
    """Make the pairs, and leave what was asked and which runs there are in a new run directory, which is returned; the
    runs lie beside it.

    Raises StackError or GeneratorError when not even the first run could be made; after that, whatever happens is a
    measurement that was cut short.
    """
    home = create_run_directory(
        settings.runs, settings.target.name, settings.stage.name, CLAIMS_KIND, datetime.now(UTC)
    )
    with told_where(home, observer):
        asking = replace(settings, kind=CLAIMS_KIND)
        write_whole(home.manifest, first_manifest(asking, home))
        write_whole(home.target, subject(asking))
        write_whole(home.claims_asked, asked)
        journal = Journal(home)
        ended = "failed"
        try:
            ended = _pairs(settings, asked, home, observer, stop)
        except KeyboardInterrupt:
            ended = f"interrupted: {stop.reason}"
            raise
        except Exception as error:
            ended = f"failed: {in_words(error)}"
            raise
        finally:
            journal.write("run-end", reason=ended)
            journal.close()
    return home


def _pairs(
    settings: Settings, asked: ClaimsAsked, home: RunDirectory, observer: ClaimsObserver, stop: StopRequest
) -> str:
    """Why it ended: "complete", or a reason."""
    began = time.monotonic()
    takes = pair_seconds(settings.plan)
    done: list[PairRun] = []
    switches = _switches(asked)
    with Appender(home.pairs) as lines:
        for number, switch in enumerate(switches):
            left = asked.budget_seconds - (time.monotonic() - began)
            if left < takes:
                return f"the budget is spent: {', '.join(switches[number:])} not measured"
            for improved in (False, True):
                if stop.asked:
                    return f"interrupted: {stop.reason}"
                try:
                    run = _run(settings, switch, improved, observer, stop)
                except (StackError, GeneratorError) as error:
                    if not done:
                        raise
                    observer.note(in_words(error))
                    return f"failed: {in_words(error)}"
                done.append(run)
                lines.append(run)
                observer.run_ended(run)
            takes = done[-2].took_seconds + done[-1].took_seconds
    return f"interrupted: {stop.reason}" if stop.asked else COMPLETE


def _switches(asked: ClaimsAsked) -> Sequence[Switch]:
    return tuple(dict.fromkeys(claim.switch for claim in asked.claims if claim.switch is not None))


def _run(settings: Settings, switch: Switch, improved: bool, observer: ClaimsObserver, stop: StopRequest) -> PairRun:
    began = time.monotonic()
    stage, words = side(settings.stage, switch, improved=improved)
    observer.run_begins(switch, words[0], settings.plan)
    run = execute(replace(settings, stage=stage, deviations=words, kind="claim"), observer, stop)
    last = [event for event in read_lines(run.events, Event) if event.name == "run-end"]
    ended = str(last[-1].detail.get("reason", "")) if last else "unknown"
    return PairRun(switch, improved, run.path.name, ended, time.monotonic() - began)
