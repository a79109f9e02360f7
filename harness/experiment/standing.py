"""A run directory with its servers up: what every kind of run begins and ends with.

Whatever happens after the run directory exists, the evidence gathered so far stays in it and the stack goes away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import harness
from harness import compiled
from harness.errors import EvidenceError, GeneratorError, HarnessError, MissingProgram, StackError
from harness.experiment.fingerprint import host_fingerprint
from harness.experiment.servers import Servers, bring_up
from harness.experiment.settings import Interrupted, Observer, Settings, StopRequest
from harness.model.evidence import Subject
from harness.model.run import SCHEMA_VERSION, Manifest
from harness.model.samples import Event
from harness.planning.audit import audit_plan
from harness.planning.predictions import predictions_of
from harness.samplers.base import describe
from harness.store.jsonl import Appender, write_whole
from harness.store.layout import RunDirectory


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


@dataclass(frozen=True, slots=True)
class Standing:
    """Servers that are up, in the run directory that started them."""

    run: RunDirectory
    manifest: Manifest
    servers: Servers
    journal: Journal


@contextmanager
def told_where(run: RunDirectory, observer: Observer) -> Iterator[None]:
    """Whatever ends the run early says where its evidence is, and what can still be done with it."""
    try:
        yield
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


@contextmanager
def standing(settings: Settings, run: RunDirectory, observer: Observer, stop: StopRequest) -> Iterator[Standing | None]:
    """Describe the run, bring its servers up, and take them down at the end.

    None when somebody asked for the end before they were up; the journal has its last word then. Raises what bringing
    them up raises.
    """
    with ExitStack() as cleanup:
        journal = Journal(run)
        cleanup.callback(journal.close)
        manifest = first_manifest(settings, run)
        write_whole(run.manifest, manifest)
        write_whole(run.target, subject(settings))
        write_whole(run.audit, audit_plan(settings.target))
        journal.write("run-start", run=run.path.name)

        began = time.monotonic()
        try:
            servers = bring_up(settings, run, observer.step, stop.check)
        except Interrupted:
            journal.write("run-end", reason=called_off(stop, observer))
            yield None
            return
        except Exception as error:
            journal.write("run-end", reason=f"failed: {in_words(error)}")
            raise
        cleanup.callback(servers.stop)
        manifest = replace(
            manifest,
            base_url=servers.base_url,
            limits=servers.limits,
            limits_enforced=servers.limits_enforced,
            read_back=servers.read_back,
            versions={**servers.versions, "generator": "compiled" if compiled.is_used() else "interpreted"},
            deviations=(*settings.deviations, *servers.deviations),
            stack_seconds=time.monotonic() - began,
        )
        write_whole(run.manifest, manifest)
        journal.write("stack-up", seconds=manifest.stack_seconds)
        observer.stack_ready(run, manifest)
        yield Standing(run, manifest, servers, journal)


def called_off(stop: StopRequest, observer: Observer) -> str:
    """The reason for the end of a run that somebody ended before its load began."""
    observer.note(f"{stop.reason}: the servers are stopped; there was no load")
    return f"interrupted: {stop.reason}"


def in_words(error: BaseException) -> str:
    """The mistake in a sentence."""
    return error.message if isinstance(error, HarnessError) else describe(error)


def subject(settings: Settings) -> Subject:
    """What is to be proven, as target.json keeps it."""
    target = settings.target
    predicted = predictions_of(target, settings.stage)
    return Subject(target.name, target.title, target.document, settings.stage, predicted)


def first_manifest(settings: Settings, run: RunDirectory) -> Manifest:
    """What is known of a run before its servers are up."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run_id=run.path.name,
        proofload_version=harness.__version__,
        system=settings.target.name,
        stage=settings.stage.name,
        profile=settings.plan.profile,
        seed=settings.plan.seed,
        started_wall_seconds=time.time(),
        stack=settings.stack,
        base_url=settings.base_url or "",
        host=host_fingerprint(),
        limits="unknown: the servers were never up",
        limits_enforced=False,
        read_back=(),
        versions={},
        plan_digest=settings.plan_digest,
        command=settings.command,
        deviations=settings.deviations,
        kind=settings.kind,
        scale=settings.scale,
    )
