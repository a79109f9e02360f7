"""The bottleneck: what was saturated first, the evidence for it, and every other resource beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from markupsafe import Markup

from harness.model.bottleneck import Bottleneck, Confidence, ResourceState, State
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from reports.charts import Mark, Series, TimeAxis, TimeChart, render
from reports.frames import gaps, server_series
from reports.material import Material

_LABELS = {
    "worker_cpu_ratio_mean": "CPU per worker",
    "client_waiting": "clients waiting",
    "pool_waiting": "requests waiting",
    "connections_ratio": "connections",
    "depth.default": "tasks waiting",
    "depth.heavy": "tasks waiting",
    "waiting_lock": "waiting",
    "psi_io_some_ratio": "time waited",
}
"""What the line of a reading is called; the others are shares "in use"."""


@dataclass(frozen=True, slots=True)
class Row:
    """One resource: its state and, where it was saturated, since when; how much of it was in use; what was seen."""

    title: str
    state: State
    use: str
    evidence: str
    limit: str


@dataclass(frozen=True, slots=True)
class BottleneckSection:
    """sentence: the finding. unsound: the run is INVALID, so that this is no more than a hint.

    chain: the evidence for it. figure: the named resource over time, with its two marks.
    """

    sentence: str
    unsound: bool
    chain: tuple[str, ...]
    figure: Markup | None
    figure_title: str
    figure_note: str
    rows: tuple[Row, ...]


def build(material: Material) -> BottleneckSection | None:
    """None where there was no load."""
    found = material.verdict.bottleneck
    if found is None or found.confidence is Confidence.NOT_LOADED:
        return None
    state = next((each for each in found.resources if each.id == found.resource), None)
    title = "" if state is None else f"{state.title[:1].upper()}{state.title[1:]}"
    figure, note = (
        (None, "") if state is None or material.axis is None else _figure(material, material.axis, found, state)
    )
    return BottleneckSection(
        sentence=found.sentence,
        unsound=material.verdict.outcome is Outcome.INVALID,
        chain=found.chain,
        figure=figure,
        figure_title=title,
        figure_note=note,
        rows=tuple(_row(each) for each in found.resources if each.state is not State.ABSENT),
    )


def _row(state: ResourceState) -> Row:
    use = "" if state.use is None else format_quantity(float(f"{state.use:.3g}"), Unit.RATIO)
    return Row(f"{state.title[:1].upper()}{state.title[1:]}", state.state, use, state.evidence, state.limit)


def _figure(material: Material, axis: TimeAxis, found: Bottleneck, state: ResourceState) -> tuple[Markup | None, str]:
    source, _, key = state.reading.partition(".")
    points = server_series(material.evidence, axis, source, key)
    if not any(value is not None for _, value in points):
        return None, ""
    marks, words = [], []
    if found.onset_seconds is not None:
        marks.append(Mark(found.onset_seconds, 1, f"saturated: {state.limit}"))
        words.append("1: saturation begins")
    if found.breach is not None:
        number = len(marks) + 1
        marks.append(Mark(found.breach.second, number, found.breach.what))
        words.append(f"{number}: {found.breach.what}")
    ratio = key.endswith("_ratio") or "_ratio_" in key
    chart = TimeChart(
        "bottleneck",
        state.title,
        Unit.RATIO if ratio else Unit.COUNT,
        (Series(_LABELS.get(key, "in use"), points, "first"),),
        gaps=gaps(material.evidence, axis, source),
        top=1.0,
        height=110.0,
    )
    note = f"Saturated: {state.limit}."
    return render(chart, replace(axis, marks=tuple(marks))), f"{note} {'; '.join(words)}." if words else note
