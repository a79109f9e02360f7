"""One plan → one run: the order of things. Each step lives in a module of its own.

Whatever happens after the run directory exists, the evidence gathered so far stays in it and the stack goes away.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.errors import EvidenceError, GeneratorError, HarnessError
from harness.experiment.abort import AbortWatch, Observation
from harness.experiment.arriving import Arriving
from harness.experiment.generator import Generator
from harness.experiment.live import Busiest, LiveView, position
from harness.experiment.pages import PageWatch
from harness.experiment.reconcile import job_events, reconcile
from harness.experiment.servers import Servers
from harness.experiment.settings import Observer, Settings, StopRequest
from harness.experiment.standing import Journal, called_off, in_words, standing, told_where
from harness.model.plan import LoadPlan
from harness.model.samples import AcknowledgedWrite, Event, GeneratorSample, JobEvent, RequestRow
from harness.stack.ledger import MARKER
from harness.store.jsonl import Appender, Tail, read_lines, write_whole
from harness.store.layout import RunDirectory, create_run_directory

TICK_SECONDS = 1.0
LOAD_START_PATIENCE_SECONDS = 90.0
"""Time for the generator to import, spawn its users and sign some of them in."""
OVERTIME_SECONDS = 60.0
"""How long after the plan's end a generator may take to drain before it is stopped: it should never hang."""


def execute(settings: Settings, observer: Observer, stop: StopRequest) -> RunDirectory:
    """Make one run and leave its evidence in a new run directory, which is returned.

    Raises StackError or GeneratorError when the load never began; the directory then holds the logs. Once it has
    begun, whatever happens is a run that was cut short: it is returned to be judged.
    """
    run = create_run_directory(
        settings.runs, settings.target.name, settings.stage.name, settings.kind, datetime.now(UTC)
    )
    with told_where(run, observer):
        write_whole(run.plan, settings.plan)
        with standing(settings, run, observer, stop) as up:
            if up is not None:
                Execution(settings, run, up.servers, up.journal, observer, stop, up.servers.stop).carry_out()
    return run


@dataclass(frozen=True, slots=True)
class Execution:
    """A run whose servers are up. take_down: stops them, when they are the run's own; several runs may share them."""

    settings: Settings
    run: RunDirectory
    servers: Servers
    journal: Journal
    observer: Observer
    stop: StopRequest
    take_down: Callable[[], None] | None = None

    def carry_out(self) -> str:
        """Load, reconcile, stop the servers; the last event says how it ended, and so does what is returned. Each step
        is taken whatever became of the one before."""
        ended = ["failed"]
        with ExitStack() as last:
            last.callback(lambda: self.journal.write("run-end", reason=ended[0]))
            last.callback(self._stop_watching)
            try:
                ended[0] = self._load()
                last.callback(self._settle_accounts)
            except KeyboardInterrupt:  # the second Ctrl-C waits for nothing but the servers' end
                ended[0] = f"interrupted: {self.stop.reason}"
                raise
            except Exception as error:
                ended[0] = f"failed: {in_words(error)}"
                if not self._has_begun():
                    raise
                self._keep_trace(error)
                last.callback(self._settle_accounts)
        return ended[0]

    def _has_begun(self) -> bool:
        return any(event.name == "load-start" for event in Tail(self.run.events, Event).read())

    def _keep_trace(self, error: Exception) -> None:
        """Of a mistake while the load ran: the evidence is worth more, but the mistake must not be lost either."""
        log = self.run.logs / "harness.log"
        with suppress(OSError), log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
        self.observer.note(f"the watch over the load failed ({in_words(error)}); what was measured is judged: {log}")

    def _stop_watching(self) -> None:
        for problem in self.servers.stop_sampling():
            self.journal.write("sampling-problem", reason=problem)
            self.observer.note(problem)
        if self.take_down is not None:
            self.observer.step("stopping the servers")
            self.take_down()

    def _load(self) -> str:
        """Generate the load while sampling; the reason for its end: complete, interrupted, aborted or generator."""
        servers = self.servers
        if self.stop.asked:
            return called_off(self.stop, self.observer)
        generator = Generator(
            self.run,
            self.settings.locustfile,
            servers.base_url,
            servers.generator_environment,
            self.settings.workers,
            awaited=self.settings.awaited,
        )
        self.observer.step("starting the load generator")
        servers.start_sampling(self.run)
        generator.start()
        browser = self._browser()
        try:
            start = self._wait_for_load(generator)
            return called_off(self.stop, self.observer) if start is None else self._watch(generator, start)
        finally:
            self._note_the_dead()  # of the last second, too, however the load ended
            generator.stop()
            if browser is not None:
                browser.stop()

    def _browser(self) -> PageWatch | None:
        """What opens the system's page beside the load, if its file names one and the stage bounds something of it."""
        page, servers = self.settings.target.page, self.servers
        if page is None or not self.settings.plan.page_seconds:
            return None
        mark = {name: value for name, value in servers.generator_environment.items() if name == MARKER}
        watch = PageWatch(
            page, self.settings.plan, self.run, servers.base_url, folder=servers.browser_folder, environment=mark
        )
        watch.start()
        return watch

    def _wait_for_load(self, generator: Generator) -> float | None:
        """CLOCK_MONOTONIC at the start of the load; None when somebody asked to stop before it."""
        events = Tail(self.run.events, Event)
        arriving = None if self.settings.awaited is None else Arriving(self.settings.awaited, self.observer)
        deadline = time.monotonic() + LOAD_START_PATIENCE_SECONDS + (0.0 if arriving is None else arriving.most_seconds)
        while time.monotonic() < deadline:
            for event in events.read():
                if event.name == "load-start":
                    return event.monotonic_seconds
                if arriving is not None:
                    arriving.tell(event)
            if generator.poll() is not None:
                raise generator.crashed()
            if self.stop.wait(0.1):
                return None
        raise GeneratorError(
            f"the load did not begin within {LOAD_START_PATIENCE_SECONDS:.0f} s", str(generator.log), "see its log"
        )

    def _watch(self, generator: Generator, start: float) -> str:
        """Follow the load until it ends: show it, look for dead servers, apply the abort rules."""
        plan = self.settings.plan
        rows, health = Tail(self.run.requests, RequestRow), Tail(self.run.generator, GeneratorSample)
        view, aborts = LiveView(plan), AbortWatch(self.settings.abort_rules)
        events, busiest = Tail(self.run.events, Event), Busiest()
        limit = plan.duration_seconds + plan.job_timeout_seconds + OVERTIME_SECONDS
        while generator.poll() is None:
            if self.stop.wait(TICK_SECONDS):
                self.journal.write("interrupted", reason=self.stop.reason)
                self.observer.note(f"{self.stop.reason}: ending the load; what was measured is kept and judged")
                return f"interrupted: {self.stop.reason}"
            if not self.run.events.exists():
                raise EvidenceError("the run directory has gone while the load ran", str(self.run.path))
            elapsed = time.monotonic() - start
            view.add(rows.read())
            completed, bad = view.take_ended()
            busiest.add(health.read())
            self._note_the_lost(events.read())
            values = self.servers.latest()
            self.observer.live(view.status(elapsed, busiest.sample, values, busiest.count))
            self._note_the_dead()
            fired = aborts.observe(_observation(plan, elapsed, values, completed, bad))
            if fired is not None:
                self.journal.write("aborted", rule=fired.name, reason=fired.reason)
                self.observer.note(f"aborted: {fired.reason}")
                return f"aborted: {fired.reason}"
            if elapsed > limit:
                return "generator: it did not end in time"
        words = {event.name: event for event in Tail(self.run.events, Event).read()}
        last = words.get("generator-end")
        if "load-end" in words and last is not None and last.detail.get("reason") == "completed":
            return "complete"
        # Also after the load's end: without its last word, the last rows of the drain are missing.
        self.journal.write("worker-lost", exit_code=generator.poll())
        return f"generator: it ended early with exit code {generator.poll()}"

    def _note_the_lost(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if event.name == "worker-lost":
                who, why = event.detail.get("worker", "?"), event.detail.get("reason", "")
                self.observer.note(f"worker {who} of the generator was lost ({why}): INVALID from here on")

    def _note_the_dead(self) -> None:
        for name in self.servers.newly_dead():
            self.journal.write("process-died", process=name)
            self.observer.note(f"{name} died")

    def _settle_accounts(self) -> None:
        """Ask the database what became of everything that it acknowledged. What is not known passes nowhere, so a
        failure here is said and ends nothing."""
        dsn = self.servers.postgres_dsn
        if dsn is None:
            return
        self.observer.step("reconciling acknowledged writes with the database")
        try:
            self._reconcile(dsn)
        except (HarnessError, OSError) as error:
            self.observer.note(f"the acknowledged writes could not be reconciled: {in_words(error)}")

    def _reconcile(self, dsn: str) -> None:
        result = reconcile(dsn, tuple(read_lines(self.run.acknowledged, AcknowledgedWrite)))
        write_whole(self.run.reconciliation, result)
        self.journal.write("reconciled", checked=result.checked, missing=len(result.missing))
        ids = frozenset(job.id for job in read_lines(self.run.jobs, JobEvent))
        with Appender(self.run.jobs) as jobs:
            jobs.append(*job_events(dsn, ids, time.monotonic() - time.time()))


def _observation(plan: LoadPlan, elapsed: float, values: Mapping[str, float], completed: int, bad: int) -> Observation:
    level, _ = position(plan, elapsed)
    return Observation(
        second=int(elapsed),
        level=None if level is None else level.name,
        host_cpu_ratio=_not_niced(values),
        host_memory_ratio=values.get("host.memory_used_ratio"),
        completed=completed,
        bad=bad,
    )


def _not_niced(values: Mapping[str, float]) -> float | None:
    """The host's busy share without work of low priority, which gives way to the servers and the generator."""
    busy = values.get("host.cpu_busy_ratio")
    return None if busy is None else busy - values.get("host.cpu_niced_ratio", 0.0)
