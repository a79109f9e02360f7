"""Flows: HTTP by endpoint, Socket.IO, uploads with a waterfall of the slowest jobs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from harness.analysis.phases import level_at
from harness.analysis.summary import EndpointSummary, Times
from harness.model.units import Unit, format_quantity
from reports.happenings import reconnects
from reports.material import Material
from reports.sections.promise import Column, column
from reports.waterfall import Job, jobs_of, render_waterfall

SLOWEST_JOBS = 8
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: its head and its figures as people read them. bad: which figures call for a look."""

    name: str
    note: str
    figures: tuple[str, ...]
    bad: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of one level."""

    level: Column
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Flows:
    """What each kind of user did and how it went for them, over the measure phases."""

    http: tuple[Table, ...]
    socketio: tuple[Table, ...]
    reconnects: str
    jobs: tuple[Table, ...]
    waterfall: Markup | None
    job_counts: str
    error_kinds: tuple[tuple[str, str, str, int], ...]


def build(material: Material) -> Flows | None:
    """All flows; None when no measure phase saw any."""
    jobs = jobs_of(material.evidence)
    if not material.summaries and not jobs:
        return None
    return Flows(
        http=_tables(material, ("all", "http", "upload"), _http_line),
        socketio=_tables(material, ("socketio",), _socket_line),
        reconnects=_reconnects(material),
        jobs=_tables(material, ("job",), _job_line),
        waterfall=render_waterfall(jobs[:SLOWEST_JOBS]) if jobs else None,
        job_counts=_job_counts(jobs),
        error_kinds=tuple(
            (line.level, line.endpoint, kind, count)
            for line in material.summaries
            if line.kind != "all"
            for kind, count in line.error_kinds.items()
        ),
    )


def _tables(material: Material, kinds: Iterable[str], make: Callable[[EndpointSummary], Line]) -> tuple[Table, ...]:
    wanted = frozenset(kinds)
    tables = []
    for level in material.evidence.plan.levels:
        lines = [line for line in material.summaries if line.level == level.name and line.kind in wanted]
        if lines:
            tables.append(Table(column(level), tuple(make(line) for line in lines)))
    return tuple(tables)


def _http_line(line: EndpointSummary) -> Line:
    counts = (line.offered, line.completed, line.errors, line.dropped, line.late)
    return Line(
        line.endpoint,
        "probe" if line.probe else "",
        (
            *(f"{count:,}" for count in counts),
            *_percentiles(line.response),
            _percentiles(line.service)[1],
        ),
        frozenset(index for index in (2, 3, 4) if counts[index]),
    )


def _socket_line(line: EndpointSummary) -> Line:
    reach = format_quantity(line.completed / line.expected, Unit.RATIO) if line.expected else NOTHING
    return Line(
        line.endpoint,
        "",
        (
            f"{line.offered:,}",
            f"{line.completed:,}",
            f"{line.errors + line.dropped:,}",
            reach,
            *_percentiles(line.response),
            _seconds(line.response.max_seconds),
        ),
        frozenset(
            index for index, bad in ((2, line.errors + line.dropped), (3, line.expected > line.completed)) if bad
        ),
    )


def _job_line(line: EndpointSummary) -> Line:
    return Line(
        line.endpoint.removeprefix("job "),
        "probe" if line.probe else "",
        (
            f"{line.offered:,}",
            f"{line.completed:,}",
            f"{line.errors + line.dropped:,}",
            *_percentiles(line.response)[:2],
            _seconds(line.response.max_seconds),
        ),
        frozenset({2}) if line.errors + line.dropped else frozenset(),
    )


def _percentiles(times: Times) -> tuple[str, str, str]:
    """p50, p95 and p99. A bucket's upper edge may lie above the worst time itself, which is known exactly."""
    if times.p50_seconds is None or times.p95_seconds is None or times.p99_seconds is None:
        return NOTHING, NOTHING, NOTHING
    top = math.inf if times.max_seconds is None else times.max_seconds
    p50, p95, p99 = (min(value, top) for value in (times.p50_seconds, times.p95_seconds, times.p99_seconds))
    return _seconds(p50), _seconds(p95), _seconds(p99)


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else format_quantity(value, Unit.SECONDS)


def _reconnects(material: Material) -> str:
    """How often sockets were lost and connected again, by level."""
    start = material.evidence.load_start_seconds
    if start is None:
        return ""
    counts = {level.name.value: 0 for level in material.evidence.plan.levels}
    for event in material.evidence.events:
        level = level_at(material.evidence, event.monotonic_seconds - start)
        if level is not None:
            counts[level.name.value] += reconnects(event)
    total = sum(counts.values())
    if not total:
        return "No socket was lost and connected again."
    return "Reconnects: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()) + "."


def _job_counts(jobs: tuple[Job, ...]) -> str:
    if not jobs:
        return ""
    unfinished = sum(job.ending == "unfinished" for job in jobs)
    failed = sum(job.ending in ("failed", "rejected") for job in jobs)
    words = f"{len(jobs)} {'upload' if len(jobs) == 1 else 'uploads'} in the whole run"
    words += f", {unfinished} unfinished at its end" if unfinished else ", all finished" if not failed else ""
    return words + (f", {failed} failed" if failed else "") + "."
