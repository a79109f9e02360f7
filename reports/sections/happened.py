"""What happened: every chart on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from harness.model.evidence import Evidence
from harness.model.units import Unit, format_quantity
from reports.charts import Bound, Gap, Series, TimeAxis, TimeChart, render
from reports.frames import (
    gaps,
    percentile_series,
    request_series,
    server_series,
    step_seconds,
)
from reports.happenings import Happening
from reports.material import Material

HTTP = ("http", "upload")
"""Kinds of rows that are HTTP requests at nginx."""


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one sampler."""

    label: str
    source: str
    key: str
    style: str = "first"


@dataclass(frozen=True, slots=True)
class Panel:
    """A server chart. slis: whose bounds are drawn in it."""

    id: str
    title: str
    unit: Unit
    lines: tuple[Line, ...]
    slis: tuple[str, ...] = ()
    top: float = 0.0


PANELS: tuple[Panel, ...] = (
    Panel(
        "cpu",
        "CPU, share of the stage’s",
        Unit.RATIO,
        (Line("stack", "stack", "cpu_ratio"), Line("whole host", "host", "cpu_busy_ratio", "second")),
        ("cpu_ratio", "cpu"),
        1.0,
    ),
    Panel(
        "memory",
        "Memory, share of the stage’s",
        Unit.RATIO,
        (Line("stack", "stack", "memory_ratio"), Line("whole host", "host", "memory_used_ratio", "second")),
        ("memory_ratio", "memory"),
        1.0,
    ),
    Panel(
        "connections",
        "PostgreSQL connections, share of max_connections",
        Unit.RATIO,
        (Line("connections", "postgres", "connections_ratio"),),
        ("postgres_connections_ratio", "connections_ratio", "postgres_connections"),
        1.0,
    ),
    Panel(
        "pool",
        "PgBouncer pool",
        Unit.COUNT,
        (
            Line("clients waiting", "pgbouncer", "client_waiting"),
            Line("servers busy", "pgbouncer", "server_active", "second"),
        ),
    ),
    Panel(
        "workers",
        "Busiest gunicorn worker, of one core",
        Unit.RATIO,
        (Line("busiest worker", "gunicorn", "worker_cpu_ratio_max"),),
        (),
        1.0,
    ),
    Panel(
        "inflight",
        "Requests in flight in the application",
        Unit.COUNT,
        (Line("in flight", "application", "requests_in_flight"),),
    ),
    Panel(
        "queue",
        "Celery tasks waiting",
        Unit.COUNT,
        (
            Line("default queue", "celery", "depth.default"),
            Line("heavy queue", "celery", "depth.heavy", "second"),
        ),
    ),
    Panel(
        "queue-age",
        "Age of the oldest waiting task",
        Unit.SECONDS,
        (
            Line("default queue", "celery", "oldest_age_seconds.default"),
            Line("heavy queue", "celery", "oldest_age_seconds.heavy", "second"),
        ),
    ),
    Panel(
        "disk",
        "Disk, share of the stage’s",
        Unit.RATIO,
        (Line("stack’s data", "stack", "disk_ratio"),),
        ("disk_ratio", "disk"),
        1.0,
    ),
)
"""Every server chart, from the top."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as drawn, with what is said about it."""

    title: str
    svg: Markup
    note: str


@dataclass(frozen=True, slots=True)
class Happened:
    """The charts. sentences: what was flat, absent or never seen, said instead of drawn."""

    load: tuple[Figure, ...]
    servers: tuple[Figure, ...]
    sentences: tuple[str, ...]
    happenings: tuple[Happening, ...]
    step: str


def build(material: Material) -> Happened:
    """All charts that there is evidence for."""
    axis = material.axis
    if axis is None:
        return Happened((), (), ("The load never began, so there is nothing to draw.",), (), "")
    evidence = material.evidence
    sentences: list[str] = []
    load = []
    if evidence.requests:
        load = [_rates(evidence, axis), _times(evidence, axis)]
        bad = _bad(evidence, axis)
        if bad is None:
            sentences.append("No request failed, no arrival was dropped and none started late.")
        else:
            load.append(bad)
    else:
        sentences.append("No request was recorded.")
    panels = [panel for panel in (_panel(evidence, axis, spec) for spec in PANELS) if panel is not None]
    if not panels:
        sentences.append("No server was sampled.")
    step = step_seconds(axis)
    return Happened(
        load=tuple(_draw(chart, axis) for chart in load),
        servers=tuple(_draw(chart, axis) for chart in panels),
        sentences=tuple(sentences),
        happenings=material.happenings,
        step="second" if step == 1 else f"{step} seconds",
    )


def _draw(chart: TimeChart, axis: TimeAxis) -> Figure:
    return Figure(chart.title, render(chart, axis), chart.note)


def bounds(evidence: Evidence, slis: Sequence[str]) -> tuple[Bound, ...]:
    """The warning and critical lines of the SLOs on those SLIs."""
    found = []
    for slo in evidence.subject.stage.slos:
        if slo.sli in slis:
            for severity, figure in (("warning", slo.warning), ("critical", slo.critical)):
                if figure is not None:
                    words = f"{severity} {format_quantity(figure.value, figure.unit)}"
                    found.append(Bound(words, figure.value, severity))
    return tuple(dict.fromkeys(found))


def _rates(evidence: Evidence, axis: TimeAxis) -> TimeChart:
    return TimeChart(
        "rates",
        "Arrival rate and throughput",
        Unit.PER_SECOND,
        (
            Series("arrivals", request_series(evidence, axis, lambda row: row.offered, HTTP), "second"),
            Series("completed", request_series(evidence, axis, lambda row: row.completed, HTTP), "first"),
        ),
        note="HTTP requests per second by the time they were meant to start, polls and uploads included.",
    )


def _times(evidence: Evidence, axis: TimeAxis) -> TimeChart:
    p50, p95, p99 = percentile_series(evidence, axis, (0.5, 0.95, 0.99), HTTP)
    return TimeChart(
        "times",
        "Response time",
        Unit.SECONDS,
        (Series("p99", p99, "third"), Series("p95", p95, "first"), Series("p50", p50, "second")),
        bounds=bounds(evidence, ("response_time", "http_response_time", "response_seconds")),
        log=True,
        height=190.0,
        note="From the intended start of each request, good ones; logarithmic axis.",
    )


def _bad(evidence: Evidence, axis: TimeAxis) -> TimeChart | None:
    series = tuple(
        Series(label, points, style)
        for label, points, style in (
            ("errors", request_series(evidence, axis, lambda row: row.errors, HTTP), "bars"),
            ("dropped", request_series(evidence, axis, lambda row: row.dropped, HTTP), "third"),
            ("late", request_series(evidence, axis, lambda row: row.late, HTTP), "second"),
        )
        if any(value for _, value in points)
    )
    if not series:
        return None
    quiet = [name for name in ("errors", "dropped", "late") if name not in {line.label for line in series}]
    note = "" if not quiet else "None " + " and none ".join(quiet) + "."
    return TimeChart("bad", "Errors, dropped and late", Unit.PER_SECOND, series, height=80.0, note=note)


def _panel(evidence: Evidence, axis: TimeAxis, spec: Panel) -> TimeChart | None:
    """None when its samplers took no part in this run, or have nothing to say of it (no heavy queue, say)."""
    lines = []
    unseen: list[Gap] = []
    for line in spec.lines:
        points = server_series(evidence, axis, line.source, line.key)
        if any(value is not None for _, value in points):
            lines.append(Series(line.label, points, line.style))
    first = spec.lines[0].source
    sampled = any(sample.source == first for sample in evidence.servers)
    if not lines and not (sampled and not any(s.values for s in evidence.servers if s.source == first)):
        return None
    unseen.extend(gaps(evidence, axis, first))
    chart = TimeChart(
        spec.id, spec.title, spec.unit, tuple(lines), bounds(evidence, spec.slis), tuple(unseen), top=spec.top, height=110.0
    )
    if not unseen:
        return chart
    reasons = ", ".join(dict.fromkeys(gap.reason for gap in unseen))
    return replace(chart, note=f"Hatched: nothing was seen ({reasons}).")


