"""One plan → one run: the order of things. Each step lives in a module of its own.

Whatever happens after the run directory exists, the evidence gathered so far stays in it and the stack goes away.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import harness
from harness.errors import EvidenceError, GeneratorError, HarnessError, MissingProgram, StackError
from harness.experiment.abort import AbortWatch, Observation
from harness.experiment.fingerprint import host_fingerprint
from harness.experiment.generator import Generator
from harness.experiment.live import LiveView, position
from harness.experiment.reconcile import job_events, reconcile
from harness.experiment.servers import Servers, bring_up
from harness.experiment.settings import Interrupted, Observer, Settings, StopRequest
from harness.model.evidence import Subject
from harness.model.plan import LoadPlan
from harness.model.run import SCHEMA_VERSION, Manifest
from harness.model.samples import AcknowledgedWrite, Event, GeneratorSample, JobEvent, RequestRow
from harness.samplers.base import describe
from harness.store.jsonl import Appender, Tail, read_lines, write_whole
from harness.store.layout import RunDirectory, create_run_directory

TICK_SECONDS = 1.0
LOAD_START_PATIENCE_SECONDS = 90.0
"""Time for the generator to import, spawn its users and sign some of them in."""
OVERTIME_SECONDS = 60.0
"""How long after the plan's end a generator may take to drain before it is stopped: it should never hang."""


class Journal:
    """events.jsonl, with both clocks in every row."""

    def __init__(self, run: RunDirectory) -> None:
        self._lines = Appender(run.events)

    def write(self, name: str, **detail: object) -> None:
        """Append one event of now."""
        self._lines.append(Event(time.monotonic(), time.time(), name, detail))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def execute(settings: Settings, observer: Observer, stop: StopRequest) -> RunDirectory:
    """Make one run and leave its evidence in a new run directory, which is returned.

    Raises StackError or GeneratorError when the load never began; the directory then holds the logs. Once it has
    begun, whatever happens is a run that was cut short: it is returned to be judged.
    """
    run = create_run_directory(
        settings.runs, settings.target.name, settings.stage.name, settings.kind, datetime.now(UTC)
    )
    try:
        _carry_out(settings, run, observer, stop)
    except (StackError, GeneratorError) as error:
        if not isinstance(error, MissingProgram):
            error.where = (*error.where, f"what there is of the run: {run.path}")
        raise
    except OSError as error:
        raise EvidenceError(
            f"the run cannot be written down: {error.strerror}",
            (str(error.filename or ""), f"what there is of the run: {run.path}"),
            f"make room, then: proofload report {run.path}",
        ) from error
    except KeyboardInterrupt:
        observer.note(f"stopped at once; what was measured can still be judged: proofload report {run.path}")
        raise
    return run


def _carry_out(settings: Settings, run: RunDirectory, observer: Observer, stop: StopRequest) -> None:
    with ExitStack() as cleanup:
        journal = Journal(run)
        cleanup.callback(journal.close)
        manifest = _first_manifest(settings, run)
        write_whole(run.manifest, manifest)
        write_whole(run.plan, settings.plan)
        write_whole(run.target, _subject(settings))
        journal.write("run-start", run=run.path.name)

        began = time.monotonic()
        try:
            servers = bring_up(settings, run, observer.step, stop.check)
        except Interrupted:
            journal.write("run-end", reason=_called_off(stop, observer))
            return
        except Exception as error:
            journal.write("run-end", reason=f"failed: {_in_words(error)}")
            raise
        cleanup.callback(servers.stop)
        manifest = replace(
            manifest,
            base_url=servers.base_url,
            limits=servers.limits,
            limits_enforced=servers.limits_enforced,
            read_back=servers.read_back,
            versions=servers.versions,
            deviations=servers.deviations,
            stack_seconds=time.monotonic() - began,
        )
        write_whole(run.manifest, manifest)
        journal.write("stack-up", seconds=manifest.stack_seconds)
        observer.stack_ready(run, manifest)
        _Execution(settings, run, servers, journal, observer, stop).carry_out()


def _called_off(stop: StopRequest, observer: Observer) -> str:
    """The reason for the end of a run that somebody ended before its load began."""
    observer.note(f"{stop.reason}: the servers are stopped; there was no load")
    return f"interrupted: {stop.reason}"


def _in_words(error: BaseException) -> str:
    return error.message if isinstance(error, HarnessError) else describe(error)


def _subject(settings: Settings) -> Subject:
    target = settings.target
    return Subject(target.name, target.title, target.document, settings.stage)


def _first_manifest(settings: Settings, run: RunDirectory) -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run_id=run.path.name,
        proofload_version=harness.__version__,
        system=settings.target.name,
        stage=settings.stage.name,
        profile=settings.plan.profile,
        seed=settings.plan.seed,
        started_wall_seconds=time.time(),
        stack="native" if settings.base_url is None else "external",
        base_url=settings.base_url or "",
        host=host_fingerprint(),
        limits="unknown: the servers were never up",
        limits_enforced=False,
        read_back=(),
        versions={},
        plan_digest=settings.plan_digest,
        command=settings.command,
    )


@dataclass(frozen=True, slots=True)
class _Execution:
    """A run whose servers are up."""

    settings: Settings
    run: RunDirectory
    servers: Servers
    journal: Journal
    observer: Observer
    stop: StopRequest

    def carry_out(self) -> None:
        """Load, reconcile, stop the servers; the last event says how it ended, and each step is taken whatever became
        of the one before."""
        ended = ["failed"]
        with ExitStack() as last:
            last.callback(lambda: self.journal.write("run-end", reason=ended[0]))
            last.callback(self._stop_servers)
            try:
                ended[0] = self._load()
                last.callback(self._settle_accounts)
            except KeyboardInterrupt:  # the second Ctrl-C waits for nothing but the servers' end
                ended[0] = f"interrupted: {self.stop.reason}"
                raise
            except Exception as error:
                ended[0] = f"failed: {_in_words(error)}"
                if not self._has_begun():
                    raise
                self._keep_trace(error)
                last.callback(self._settle_accounts)

    def _has_begun(self) -> bool:
        return any(event.name == "load-start" for event in Tail(self.run.events, Event).read())

    def _keep_trace(self, error: Exception) -> None:
        """Of a mistake while the load ran: the evidence is worth more, but the mistake must not be lost either."""
        log = self.run.logs / "harness.log"
        with suppress(OSError), log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
        self.observer.note(f"the watch over the load failed ({_in_words(error)}); what was measured is judged: {log}")

    def _stop_servers(self) -> None:
        for problem in self.servers.stop_sampling():
            self.journal.write("sampling-problem", reason=problem)
            self.observer.note(problem)
        self.observer.step("stopping the servers")
        self.servers.stop()

    def _load(self) -> str:
        """Generate the load while sampling; the reason for its end: complete, interrupted, aborted or generator."""
        servers = self.servers
        if self.stop.asked:
            return _called_off(self.stop, self.observer)
        generator = Generator(self.run, self.settings.locustfile, servers.base_url, servers.generator_environment)
        self.observer.step("starting the load generator")
        servers.start_sampling()
        generator.start()
        try:
            start = self._wait_for_load(generator)
            return _called_off(self.stop, self.observer) if start is None else self._watch(generator, start)
        finally:
            self._note_the_dead()  # of the last second, too, however the load ended
            generator.stop()

    def _wait_for_load(self, generator: Generator) -> float | None:
        """CLOCK_MONOTONIC at the start of the load; None when somebody asked to stop before it."""
        events = Tail(self.run.events, Event)
        deadline = time.monotonic() + LOAD_START_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for event in events.read():
                if event.name == "load-start":
                    return event.monotonic_seconds
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
        view, aborts = LiveView(plan), AbortWatch()
        latest: GeneratorSample | None = None
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
            latest = (health.read() or (latest,))[-1]
            values = self.servers.latest()
            self.observer.live(view.status(elapsed, latest, values))
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
            self.observer.note(f"the acknowledged writes could not be reconciled: {_in_words(error)}")

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
