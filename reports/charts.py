"""Charts over the time of a run, as static SVG. Pure.

Written by hand because no plotting library fits: the ones for the browser draw with JavaScript, and this report has to
read the same without it, on paper and offline; the ones for Python bring their own fonts, colours and hundreds of
kilobytes per figure, and no text alternative.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from harness.model.units import Unit, format_quantity
from reports.scales import Scale, format_clock, format_tick, linear_ticks, log_ticks, time_ticks
from reports.svg import element, group, number, text

WIDTH = 940.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 122.0, 20.0, 22.0
LABEL_GAP = 14.0
LETTER = 6.3
"""Mean width of a letter of the charts' text, for deciding whether a label fits."""

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """A line: (seconds, value in base units); None where nothing was seen, which breaks the line.

    style: one of ``first``, ``second``, ``third`` (told apart by width and dash as well as colour), ``area`` or
    ``bars``.
    """

    label: str
    points: tuple[Point, ...]
    style: str = "first"

    @property
    def values(self) -> tuple[float, ...]:
        """What was seen."""
        return tuple(value for _, value in self.points if value is not None)


@dataclass(frozen=True, slots=True)
class Bound:
    """A line that the data should keep below (or above). severity: ``warning`` or ``critical``."""

    label: str
    value: float
    severity: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which nothing was seen, and why."""

    start_seconds: float
    end_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Band:
    """A level: where it lies and which part of it is judged."""

    label: str
    start_seconds: float
    end_seconds: float
    measure: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened once, by its number in the list of events."""

    seconds: float
    number: int
    label: str


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The one axis that all charts of a report share."""

    start_seconds: float
    end_seconds: float
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeChart:
    """One chart. top: the least upper end of the axis, such as 1 for a share. note: printed below it."""

    id: str
    title: str
    unit: Unit
    series: tuple[Series, ...]
    bounds: tuple[Bound, ...] = ()
    gaps: tuple[Gap, ...] = ()
    log: bool = False
    top: float = 0.0
    height: float = 150.0
    note: str = ""


def describe(chart: TimeChart, axis: TimeAxis) -> str:
    """The chart in words: what a person who cannot see it is told."""
    sentences = []
    for series in chart.series:
        parts = []
        for band in axis.bands:
            start, end = band.measure or (band.start_seconds, band.end_seconds)
            values = [value for at, value in series.points if value is not None and start <= at < end]
            if values:
                middle = sorted(values)[len(values) // 2]
                parts.append(
                    f"{band.label} {format_quantity(middle, chart.unit)}"
                    f" (at most {format_quantity(max(values), chart.unit)})"
                )
        sentences.append(f"{series.label}: " + (", ".join(parts) if parts else "no data") + ".")
    for bound in chart.bounds:
        sentences.append(f"{bound.label}.")
    if chart.gaps:
        sentences.append(f"{len(chart.gaps)} {'gap' if len(chart.gaps) == 1 else 'gaps'} without data.")
    return "Median of each level. " + " ".join(sentences)


def render(chart: TimeChart, axis: TimeAxis) -> Markup:
    """The chart as an ``<svg>`` element."""
    height = chart.height + TOP + BOTTOM
    across = Scale(axis.start_seconds, max(axis.end_seconds, axis.start_seconds + 1), LEFT, WIDTH - RIGHT)
    ticks = _ticks(chart)
    up = Scale(ticks[0], ticks[-1], TOP + chart.height, TOP, chart.log)
    floor = TOP + chart.height
    title_id, desc_id = f"{chart.id}-title", f"{chart.id}-desc"
    return element(
        "svg",
        element("title", f"{chart.title} over time", id=title_id),
        element("desc", describe(chart, axis), id=desc_id),
        group(*_bands(axis, across, floor), class_="bands"),
        group(*_grid(ticks, up, chart.unit), class_="grid"),
        group(*_gaps(chart.gaps, across, floor), class_="gaps"),
        group(*_clock(axis, across, floor), class_="axis"),
        group(*(_bound(bound, up) for bound in chart.bounds if up.low <= bound.value <= up.high)),
        group(*(_line(series, across, up, floor) for series in chart.series)),
        group(*_labels(chart, up, floor), class_="labels"),
        group(*_marks(axis, across, floor), class_="marks"),
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        class_="chart",
        role="img",
        aria_labelledby=f"{title_id} {desc_id}",
        data_left=LEFT,
        data_right=WIDTH - RIGHT,
        data_start=number(axis.start_seconds),
        data_end=number(axis.end_seconds),
        data_series=_readout(chart),
    )


def _ticks(chart: TimeChart) -> tuple[float, ...]:
    values = [value for series in chart.series for value in series.values]
    values += [bound.value for bound in chart.bounds]
    if chart.log:
        positive = [value for value in values if value > 0]
        return log_ticks(min(positive, default=0.001), max(positive, default=1.0))
    return linear_ticks(max([*values, chart.top]), chart.unit)


def _bands(axis: TimeAxis, across: Scale, floor: float) -> list[Markup]:
    drawn = []
    for band in axis.bands:
        if band.start_seconds >= axis.end_seconds:
            continue
        left, right = across(band.start_seconds), across(band.end_seconds)
        drawn.append(element("rect", x=left, y=TOP, width=right - left, height=floor - TOP, class_="level"))
        if band.measure is not None and band.measure[0] < axis.end_seconds:
            start, end = across(band.measure[0]), across(band.measure[1])
            drawn.append(element("rect", x=start, y=TOP, width=end - start, height=floor - TOP, class_="measure"))
        drawn.append(element("line", x1=left, x2=left, y1=TOP - 14, y2=floor, class_="edge"))
        label = band.label if len(band.label) * LETTER < right - left - 8 else band.label.split(" ")[0]
        if len(label) * LETTER < right - left - 4:
            drawn.append(text(left + 5, TOP - 6, label, class_="level-name"))
    return drawn


def _grid(ticks: Sequence[float], up: Scale, unit: Unit) -> list[Markup]:
    drawn = []
    for tick in ticks:
        y = up(tick)
        drawn.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
        drawn.append(text(LEFT - 7, y + 4, format_tick(tick, unit), anchor="end"))
    return drawn


def _gaps(gaps: Sequence[Gap], across: Scale, floor: float) -> list[Markup]:
    drawn = []
    for gap in gaps:
        left, right = across(gap.start_seconds), across(gap.end_seconds)
        hatch = element(
            "rect",
            element("title", f"no data: {gap.reason}"),
            x=left,
            y=TOP,
            width=max(right - left, 2.0),
            height=floor - TOP,
            fill="url(#hatch)",
        )
        drawn.append(hatch)
        if right - left > 8 * LETTER:
            drawn.append(text((left + right) / 2, TOP + 14, "no data", anchor="middle", class_="gap-name"))
    return drawn


def _clock(axis: TimeAxis, across: Scale, floor: float) -> list[Markup]:
    drawn = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=floor, y2=floor)]
    for tick in time_ticks(axis.start_seconds, axis.end_seconds):
        x = across(tick)
        drawn.append(element("line", x1=x, x2=x, y1=floor, y2=floor + 4))
        drawn.append(text(x, floor + 16, format_clock(tick), anchor="middle"))
    drawn.append(text(WIDTH - RIGHT + 22, floor + 16, "min:s"))
    return drawn


def _bound(bound: Bound, up: Scale) -> Markup:
    y = up(bound.value)
    return element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=f"bound {bound.severity}")


def _runs(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """The unbroken parts of a line."""
    runs = []
    for seen, part in groupby(points, key=lambda point: point[1] is not None):
        if seen:
            runs.append([(at, value) for at, value in part if value is not None])
    return runs


def _line(series: Series, across: Scale, up: Scale, floor: float) -> Markup:
    if series.style == "bars":
        return _bars(series, across, up, floor)
    drawn = []
    for run in _runs(series.points):
        places = [f"{number(across(at))} {number(up(value))}" for at, value in run]
        path = "M" + "L".join(places)
        if len(run) == 1:
            at, value = run[0]
            drawn.append(element("circle", cx=across(at), cy=up(value), r=1.6, class_=f"dot {series.style}"))
            continue
        if series.style == "area":
            foot = f"L{number(across(run[-1][0]))} {number(floor)}L{number(across(run[0][0]))} {number(floor)}Z"
            drawn.append(element("path", d=path + foot, class_="fill"))
        drawn.append(element("path", d=path, class_=f"line {series.style}"))
    return group(*drawn)


def _bars(series: Series, across: Scale, up: Scale, floor: float) -> Markup:
    width = _bar_width(series, across)
    drawn = []
    for at, value in series.points:
        if value:
            top = up(value)
            drawn.append(element("rect", x=across(at) - width / 2, y=top, width=width, height=floor - top))
    return group(*drawn, class_="bars")


def _bar_width(series: Series, across: Scale) -> float:
    steps = [b[0] - a[0] for a, b in pairwise(series.points)]
    return max(1.2, 0.8 * (across(across.low + min(steps)) - across(across.low))) if steps else 3.0


def _labels(chart: TimeChart, up: Scale, floor: float) -> list[Markup]:
    """Names at the right end of what they name, moved apart where they would touch."""
    wanted: list[tuple[float, str, str]] = []
    for bound in chart.bounds:
        if up.low <= bound.value <= up.high:
            wanted.append((up(bound.value), bound.label, f"bound-name {bound.severity}"))
    for series in chart.series:
        values = series.values
        place = up(values[-1]) if values and values[-1] >= up.low else floor
        wanted.append((place, series.label, f"name {series.style}"))
    wanted.sort(key=lambda label: label[0])
    places = spread([place for place, _, _ in wanted], TOP, floor - 4)
    return [
        text(WIDTH - RIGHT + 8, place + 4, label, class_=style)
        for place, (_, label, style) in zip(places, wanted, strict=True)
    ]


def spread(places: Sequence[float], low: float, high: float) -> list[float]:
    """Sorted places moved apart to LABEL_GAP, within [low, high] as far as there is room."""
    result: list[float] = []
    for place in places:
        result.append(max(place, low, result[-1] + LABEL_GAP if result else low))
    ceiling = high
    for index in reversed(range(len(result))):
        result[index] = min(result[index], ceiling)
        ceiling = result[index] - LABEL_GAP
    return result


def _marks(axis: TimeAxis, across: Scale, floor: float) -> list[Markup]:
    drawn = []
    before, raised = -math.inf, 0
    for mark in axis.marks:
        x = across(mark.seconds)
        # Numbers of marks that lie close together climb, so that each can be read.
        raised = (raised + 1) % 4 if x - before < 2.5 * LETTER else 0
        before = x
        drawn.append(
            element(
                "g",
                element("title", f"{format_clock(mark.seconds)} {mark.label}"),
                element("line", x1=x, x2=x, y1=TOP, y2=floor),
                element("path", d=f"M{number(x - 4)} {number(floor)}h8l-4 -6z"),
                _beside(x, floor - 8 - 11 * raised, str(mark.number)),
            )
        )
    return drawn


def _beside(x: float, y: float, words: str) -> Markup:
    """Words right of x, or left of it at the right end."""
    return text(x - 4, y, words, anchor="end") if x > WIDTH - RIGHT - 20 else text(x + 4, y, words)


def _readout(chart: TimeChart) -> str:
    """What the pointer reads: for each series its label and (seconds, words). Only an enhancement."""
    rows = [
        [
            series.label,
            [[round(at, 1), format_quantity(value, chart.unit)] for at, value in series.points if value is not None],
        ]
        for series in chart.series
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
