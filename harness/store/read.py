"""A run directory read whole, however it ended."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from pydantic import TypeAdapter

from harness.errors import CorruptRun, SchemaMismatch
from harness.model.audit import AuditReport
from harness.model.capacity import TrialResult
from harness.model.claims import ClaimsAsked, ClaimsEvidence, PairRun
from harness.model.evidence import Evidence, Subject
from harness.model.exploration import CapacityEvidence, Search
from harness.model.plan import LoadPlan
from harness.model.run import SCHEMA_VERSION, Manifest
from harness.model.samples import (
    AcknowledgedWrite,
    Event,
    GeneratorSample,
    JobEvent,
    PageView,
    Reconciliation,
    RequestRow,
    ServerSample,
)
from harness.store.jsonl import read_lines, read_whole
from harness.store.layout import RunDirectory

SAMPLER_USER_AGENT = "proofload-sampler"
"""How the harness's own requests name themselves, so that they are left out of every count."""
PROBE_HEADER, BROWSER_PROBE = "X-Proofload-Probe", "browser"
"""How the browser's requests name themselves, which look like anybody's otherwise; left out as well."""


def read_run(path: Path) -> Evidence:
    """Everything that the run left behind.

    Raises CorruptRun when the folder is no run directory, SchemaMismatch when a newer Proofload wrote it. A run that
    was cut off, even in the middle of a line, is read up to there.
    """
    run = RunDirectory(path)
    manifest = read_manifest(run)
    events = tuple(read_lines(run.events, Event))
    start = next((event for event in events if event.name == "load-start"), None)
    counted = _nginx_counts(run.nginx_log, start)
    return Evidence(
        subject=read_whole(run.target, Subject),
        manifest=manifest,
        plan=read_whole(run.plan, LoadPlan),
        load_start_seconds=None if start is None else start.monotonic_seconds,
        requests=tuple(read_lines(run.requests, RequestRow)),
        servers=tuple(read_lines(run.servers, ServerSample)),
        generator=tuple(read_lines(run.generator, GeneratorSample)),
        pages=tuple(read_lines(run.pages, PageView)),
        events=events,
        acknowledged=tuple(read_lines(run.acknowledged, AcknowledgedWrite)),
        jobs=tuple(read_lines(run.jobs, JobEvent)),
        reconciliation=read_whole(run.reconciliation, Reconciliation) if run.reconciliation.exists() else None,
        nginx_requests=None if counted is None else counted[0],
        nginx_bytes=None if counted is None else counted[1],
        audit=_audit(run),
    )


def _audit(run: RunDirectory) -> AuditReport | None:
    return read_whole(run.audit, AuditReport) if run.audit.exists() else None


def read_manifest(run: RunDirectory) -> Manifest:
    """What identifies the run. Raises CorruptRun, SchemaMismatch."""
    if not run.manifest.exists():
        raise CorruptRun("no run directory: manifest.json is missing", str(run.path), "name a folder below runs/")
    _check_schema(run.manifest)
    return read_whole(run.manifest, Manifest)


def read_capacity(path: Path) -> CapacityEvidence:
    """Everything that a capacity search left behind, with each of its trials read as a run of its own.

    Raises CorruptRun, SchemaMismatch. A trial whose folder has gone is known by its line only.
    """
    run = RunDirectory(path)
    manifest = read_manifest(run)
    lines = tuple(read_lines(run.trials, TrialResult))
    folders = [RunDirectory(run.path / line.folder) for line in lines]
    return CapacityEvidence(
        subject=read_whole(run.target, Subject),
        manifest=manifest,
        search=read_whole(run.search, Search),
        events=tuple(read_lines(run.events, Event)),
        lines=lines,
        trials=tuple(read_run(folder.path) if folder.manifest.exists() else None for folder in folders),
        audit=_audit(run),
    )


def read_claims(path: Path) -> ClaimsEvidence:
    """Everything that a measurement of claims left behind, with each of its runs, which lie beside it.

    Raises CorruptRun, SchemaMismatch.
    """
    home = RunDirectory(path)
    manifest = read_manifest(home)
    runs = tuple(read_lines(home.pairs, PairRun))
    folders = [RunDirectory(home.path.parent / Path(run.folder).name) for run in runs]
    last = next((event for event in read_lines(home.events, Event) if event.name == "run-end"), None)
    return ClaimsEvidence(
        subject=read_whole(home.target, Subject),
        manifest=manifest,
        asked=read_whole(home.claims_asked, ClaimsAsked),
        runs=runs,
        read=tuple(read_run(folder.path) if folder.manifest.exists() else None for folder in folders),
        ended="" if last is None else str(last.detail.get("reason", "")),
    )


def _check_schema(manifest: Path) -> None:
    try:
        version = TypeAdapter(dict[str, object]).validate_json(manifest.read_bytes()).get("schema_version")
    except ValueError as error:
        raise CorruptRun("manifest.json is not JSON", str(manifest)) from error
    if not isinstance(version, int):
        raise CorruptRun("manifest.json has no schema_version", str(manifest))
    if version > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"this run has schema {version}, newer than the {SCHEMA_VERSION} that this Proofload reads",
            str(manifest),
            "upgrade Proofload",
        )


BySecond = tuple[tuple[int, int], ...]


def _nginx_counts(log: Path, start: Event | None) -> tuple[BySecond, BySecond | None] | None:
    """Requests and bytes sent by second; no bytes where the log does not say."""
    if start is None or not log.exists():
        return None
    counts: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    with log.open("rb") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                began = float(row["msec"]) - float(row["request_time"])
                own = row.get("user_agent") == SAMPLER_USER_AGENT or row.get("probe") == BROWSER_PROBE
                handshake = str(row["path"]).startswith("/socket.io")
                size = int(row.get("bytes_sent", 0))
            except (ValueError, KeyError, TypeError):
                continue  # a line cut off by the end of the run, or a request too broken for nginx to describe
            if not own and not handshake:
                second = int((began - start.wall_seconds) // 1)
                counts[second] += 1
                sizes[second] += size
    return tuple(sorted(counts.items())), tuple(sorted(sizes.items())) if any(sizes.values()) else None
