"""What happened: every chart on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.analysis.slis import held_at
from harness.analysis.summary import Timeline
from harness.model.evidence import Evidence
from harness.model.units import Unit, format_quantity
from reports.charts import Bound, Series, TimeAxis, TimeChart, render
from reports.frames import gaps, server_series, step_seconds
from reports.happenings import Happening
from reports.material import Material


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one sampler."""

    label: str
    source: str
    key: str
    style: str = "first"


@dataclass(frozen=True, slots=True)
class Panel:
    """A server chart. note: what its figures are shares of. slis: whose bounds are drawn in it."""

    id: str
    title: str
    unit: Unit
    lines: tuple[Line, ...]
    note: str = ""
    slis: tuple[str, ...] = ()
    top: float = 0.0


PANELS: tuple[Panel, ...] = (
    Panel(
        "cpu",
        "CPU",
        Unit.RATIO,
        (Line("stack", "stack", "cpu_ratio"), Line("whole host", "host", "cpu_busy_ratio", "second")),
        "The stack’s share of what the stage has; the host’s share of its own.",
        ("stack_cpu_ratio",),
        1.0,
    ),
    Panel(
        "memory",
        "Memory",
        Unit.RATIO,
        (Line("stack", "stack", "memory_ratio"), Line("whole host", "host", "memory_used_ratio", "second")),
        "The stack’s share of what the stage has; the host’s share of its own.",
        ("stack_memory_ratio",),
        1.0,
    ),
    Panel(
        "connections",
        "PostgreSQL connections",
        Unit.RATIO,
        (Line("connections", "postgres", "connections_ratio"),),
        "Share of max_connections.",
        ("postgres_connections_ratio",),
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
        "Busiest gunicorn worker",
        Unit.RATIO,
        (Line("busiest worker", "gunicorn", "worker_cpu_ratio_max"),),
        "Share of one core, which is all that a worker can use.",
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
        "Disk",
        Unit.RATIO,
        (Line("stack’s data", "storage", "disk_ratio"),),
        "The stack’s data as a share of the stage’s disk.",
        ("stack_disk_ratio",),
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
        load = [_rates(material.timeline), _times(evidence, material.timeline)]
        bad = _bad(material.timeline)
        if bad is None:
            sentences.append("No request failed and no arrival was dropped.")
        else:
            load.append(bad)
        load += _sockets(evidence, material.timeline)
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
        step="one second" if step == 1 else f"{step} seconds",
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


def series(timeline: Timeline, label: str, values: Sequence[float | None], style: str) -> Series:
    """One line of the timeline, each window at its middle."""
    half = timeline.window_seconds / 2
    return Series(
        label, tuple((start + half, value) for start, value in zip(timeline.starts_seconds, values, strict=True)), style
    )


def _rates(timeline: Timeline) -> TimeChart:
    return TimeChart(
        "rates",
        "Arrival rate and throughput",
        Unit.PER_SECOND,
        (
            series(timeline, "planned", timeline.planned_per_second, "third"),
            series(timeline, "arrivals", timeline.offered_per_second, "second"),
            series(timeline, "completed", timeline.completed_per_second, "first"),
        ),
        note="HTTP requests per second by the time they were meant to start, polls and uploads included.",
    )


def _times(evidence: Evidence, timeline: Timeline) -> TimeChart:
    return TimeChart(
        "times",
        "Response time",
        Unit.SECONDS,
        (
            series(timeline, "p99", timeline.response_p99_seconds, "third"),
            series(timeline, "p95", timeline.response_p95_seconds, "first"),
            series(timeline, "p50", timeline.response_p50_seconds, "second"),
        ),
        bounds=bounds(evidence, ("http_response_seconds",)),
        log=True,
        height=190.0,
        note="Good responses, from the intended start of each request; the axis is logarithmic.",
    )


def _bad(timeline: Timeline) -> TimeChart | None:
    """None when nothing went wrong: that is said better than drawn."""
    errors, dropped = timeline.errors_per_second, timeline.dropped_per_second
    if not any(errors) and not any(dropped):
        return None
    lines = []
    if any(errors):
        lines.append(series(timeline, "errors", errors, "bars"))
    if any(dropped):
        lines.append(series(timeline, "dropped", dropped, "third"))
    note = "" if any(errors) and any(dropped) else "Nothing was dropped." if any(errors) else "No request failed."
    return TimeChart("bad", "Errors and dropped arrivals", Unit.PER_SECOND, tuple(lines), height=80.0, note=note)


def _sockets(evidence: Evidence, timeline: Timeline) -> list[TimeChart]:
    """Empty when the generator said nothing, or when no socket was to be held."""
    half = timeline.window_seconds / 2
    planned = tuple((start + half, held_at(evidence.plan.held, start + half)) for start in timeline.starts_seconds)
    if not any(timeline.sockets) and not any(value for _, value in planned):
        return []
    return [
        TimeChart(
            "sockets",
            "Socket.IO connections held",
            Unit.COUNT,
            (Series("planned", planned, "third"), series(timeline, "open", timeline.sockets, "first")),
            height=110.0,
        )
    ]


def _panel(evidence: Evidence, axis: TimeAxis, spec: Panel) -> TimeChart | None:
    """None when its sampler took no part, or watched and found nothing of the kind (no heavy queue, say)."""
    source = spec.lines[0].source
    samples = [sample for sample in evidence.servers if sample.source == source]
    drawn = ((line, server_series(evidence, axis, line.source, line.key)) for line in spec.lines)
    lines = tuple(
        Series(line.label, points, line.style)
        for line, points in drawn
        if any(value is not None for _, value in points)
    )
    blind = bool(samples) and not any(sample.values for sample in samples)
    if not lines and not blind:
        return None
    unseen = gaps(evidence, axis, source)
    reasons = ", ".join(dict.fromkeys(gap.reason for gap in unseen))
    return TimeChart(
        spec.id,
        spec.title,
        spec.unit,
        lines,
        bounds(evidence, spec.slis),
        unseen,
        top=spec.top,
        height=110.0,
        note=f"{spec.note} Hatched: nothing was seen ({reasons}).".strip() if unseen else spec.note,
    )
