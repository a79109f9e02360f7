"""Charts of one figure against another, as static SVG: every trial of a search against its load. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from reports.charts import LEFT, LETTER, RIGHT, WIDTH, Bound, spread
from reports.scales import Scale, format_tick, linear_ticks, log_ticks
from reports.svg import element, group, number, text

TOP, BOTTOM = 34.0, 42.0
ICON = 15.0
"""Width of a mark."""
TOUCHING = 12.0
"""Marks closer than this, across and up, share one label."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One trial: a mark whose shape is its outcome's. y None: beyond every value, drawn at the top."""

    x: float
    y: float | None
    outcome: Outcome
    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through (x, y). style: as of a ``Series``."""

    label: str
    points: tuple[tuple[float, float], ...]
    style: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the axis across, or one place on it (high None)."""

    label: str
    low: float
    high: float | None = None


@dataclass(frozen=True, slots=True)
class XyChart:
    """One chart. across: what the axis across counts. note: printed below it."""

    id: str
    title: str
    across: str
    unit: Unit
    dots: tuple[Dot, ...]
    curves: tuple[Curve, ...] = ()
    bounds: tuple[Bound, ...] = ()
    spans: tuple[Span, ...] = ()
    log: bool = False
    height: float = 280.0
    note: str = ""


def describe(chart: XyChart) -> str:
    """The chart in words: what a person who cannot see it is told."""
    dots = sorted(chart.dots, key=lambda dot: (dot.x, dot.number))
    parts = [
        f"{dot.x:.4g}: {'beyond every value' if dot.y is None else format_quantity(dot.y, chart.unit)} ({dot.outcome})"
        for dot in dots
    ]
    lines = [f"{span.label}." for span in chart.spans] + [f"{bound.label}." for bound in chart.bounds]
    return f"By {chart.across}: {', '.join(parts)}. {' '.join(lines)}".strip()


def render(chart: XyChart) -> Markup:
    """The chart as an ``<svg>`` element."""
    floor = TOP + chart.height
    most = max([dot.x for dot in chart.dots] + [span.high or span.low for span in chart.spans], default=1.0)
    ticks = linear_ticks(most * 1.02, Unit.PER_SECOND, wanted=8)
    across = Scale(0.0, max(ticks[-1], most * 1.02), LEFT, WIDTH - RIGHT)
    up = _up(chart, floor)
    title_id, desc_id = f"{chart.id}-title", f"{chart.id}-desc"
    return element(
        "svg",
        element("title", chart.title, id=title_id),
        element("desc", describe(chart), id=desc_id),
        group(*_spans(chart, across, floor), class_="bands"),
        group(*_grid(chart, up), class_="grid"),
        group(*_axis(chart, ticks, across, floor), class_="axis"),
        group(*(_bound(bound, up) for bound in chart.bounds)),
        group(*(_curve(curve, across, up) for curve in chart.curves if curve.points)),
        group(*(_dot(dot, across, up) for dot in chart.dots), class_="trials"),
        group(*_numbers(chart, across, up), class_="trial-names"),
        group(*_labels(chart, up, floor), class_="labels"),
        viewBox=f"0 0 {number(WIDTH)} {number(floor + BOTTOM)}",
        class_="chart",
        role="img",
        aria_labelledby=f"{title_id} {desc_id}",
    )


def _up(chart: XyChart, floor: float) -> Scale:
    values = [dot.y for dot in chart.dots if dot.y is not None]
    values += [y for curve in chart.curves for _, y in curve.points]
    values += [bound.value for bound in chart.bounds]
    if chart.log:
        positive = [value for value in values if value > 0]
        ticks = log_ticks(min(positive, default=0.001), max(positive, default=1.0))
    else:
        ticks = linear_ticks(max(values, default=1.0), chart.unit)
    return Scale(ticks[0], ticks[-1], floor, TOP, chart.log)


def _spans(chart: XyChart, across: Scale, floor: float) -> list[Markup]:
    drawn = []
    for row, span in enumerate(chart.spans):
        left = across(span.low)
        if span.high is not None:
            right = across(span.high)
            drawn.append(
                element("rect", x=left, y=TOP, width=max(right - left, 1.5), height=floor - TOP, class_="bracket")
            )
            drawn.append(element("line", x1=right, x2=right, y1=TOP - 4, y2=floor, class_="bracket-edge"))
        style = "bracket-edge" if row else "planned"
        drawn.append(element("line", x1=left, x2=left, y1=TOP - 4, y2=floor, class_=style))
        # Names stand in rows of their own above the chart, so that neighbours never cover each other.
        fits = left + len(span.label) * LETTER < WIDTH - 4
        drawn.append(
            text(left + 3 if fits else left - 3, TOP - 20 + 13 * row, span.label, class_="level-name")
            if fits
            else text(left - 3, TOP - 20 + 13 * row, span.label, anchor="end", class_="level-name")
        )
    return drawn


def _grid(chart: XyChart, up: Scale) -> list[Markup]:
    ticks = log_ticks(up.low, up.high) if chart.log else linear_ticks(up.high, chart.unit)
    drawn = []
    for tick in ticks:
        y = up(tick)
        drawn.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
        drawn.append(text(LEFT - 7, y + 4, format_tick(tick, chart.unit), anchor="end"))
    return drawn


def _axis(chart: XyChart, ticks: Sequence[float], across: Scale, floor: float) -> list[Markup]:
    drawn = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=floor, y2=floor)]
    for tick in ticks:
        x = across(tick)
        drawn.append(element("line", x1=x, x2=x, y1=floor, y2=floor + 4))
        drawn.append(text(x, floor + 17, format_tick(tick, Unit.PER_SECOND).removesuffix("/s"), anchor="middle"))
    drawn.append(text((LEFT + WIDTH - RIGHT) / 2, floor + 35, chart.across, anchor="middle", class_="strong"))
    return drawn


def _bound(bound: Bound, up: Scale) -> Markup:
    y = up(bound.value)
    return element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=f"bound {bound.severity}")


def _curve(curve: Curve, across: Scale, up: Scale) -> Markup:
    path = "M" + "L".join(f"{number(across(x))} {number(up(y))}" for x, y in curve.points)
    return element("path", d=path, class_=f"line {curve.style}")


def _place(dot: Dot, across: Scale, up: Scale) -> tuple[float, float]:
    return across(dot.x), up.end if dot.y is None else up(dot.y)


def _dot(dot: Dot, across: Scale, up: Scale) -> Markup:
    x, y = _place(dot, across, up)
    place = f"translate({number(x - ICON / 2)} {number(y - ICON / 2)}) scale({ICON / 24:.4f})"
    return element(
        "g", element("title", dot.words), *_icon(dot.outcome), class_=f"trial {dot.outcome}", transform=place
    )


def _icon(outcome: Outcome) -> tuple[Markup, ...]:
    """The outcome's shape, on 24 × 24: as templates/marks.html.j2 draws it, on the colour of the paper."""
    match outcome:
        case Outcome.PASS:
            return (
                element("circle", cx=12, cy=12, r=11, class_="icon-solid"),
                element("path", d="M6.8 12.4l3.6 3.6 7-7.6", class_="icon-cut"),
            )
        case Outcome.FAIL:
            return (
                element("rect", x=1.5, y=1.5, width=21, height=21, rx=3, class_="icon-solid"),
                element("path", d="M7.5 7.5l9 9m0-9l-9 9", class_="icon-cut"),
            )
        case Outcome.INCONCLUSIVE:
            return (
                element("path", d="M12 1.5L22.5 12 12 22.5 1.5 12z", class_="icon-open on-paper"),
                element("path", d="M9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.9.5-1.2 1-1.2 1.8", class_="icon-sign"),
                element("circle", cx=12, cy=16.4, r=1.3, class_="icon-dot"),
            )
        case Outcome.INVALID:
            return (
                element("path", d="M12 2.5L22.5 21H1.5z", class_="icon-open on-paper"),
                element("path", d="M12 9v5.5", class_="icon-sign"),
                element("circle", cx=12, cy=17.7, r=1.3, class_="icon-dot"),
            )


def _numbers(chart: XyChart, across: Scale, up: Scale) -> list[Markup]:
    """The trials' numbers beside their marks; marks that touch share a label."""
    clusters: list[list[tuple[float, float, int]]] = []
    taken: list[_Box] = []
    for dot in sorted(chart.dots, key=lambda dot: dot.number):
        x, y = _place(dot, across, up)
        taken.append(_Box(x - ICON / 2, y - ICON / 2, x + ICON / 2, y + ICON / 2))
        for cluster in clusters:
            if abs(x - cluster[0][0]) < TOUCHING and abs(y - cluster[0][1]) < TOUCHING:
                cluster.append((x, y, dot.number))
                break
        else:
            clusters.append([(x, y, dot.number)])
    drawn = []
    for cluster in clusters:
        words = _numbers_words([n for _, _, n in cluster])
        right, middle = max(x for x, _, _ in cluster), sum(x for x, _, _ in cluster) / len(cluster)
        y = sum(y for _, y, _ in cluster) / len(cluster)
        width = len(words) * LETTER
        places = ((right + ICON / 2 + 2, y), *((middle - width / 2, y + step) for step in (15, -15, 27, -27, 39)))
        boxes = [_Box(x, at - 5.5, x + width, at + 5.5) for x, at in places]
        best = next((box for box in boxes if not any(box.covers(other) for other in taken)), boxes[0])
        taken.append(best)
        drawn.append(text(best.left, best.bottom - 1.5, words))
    return drawn


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: _Box) -> bool:
        """Whether any of one lies on the other."""
        beside = self.right <= other.left or other.right <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom


def _numbers_words(numbers: Sequence[int]) -> str:
    """``3, 4, 9–12``: ascending numbers, three or more in a row as a range."""
    rows: list[list[int]] = []
    for each in numbers:
        if rows and each == rows[-1][-1] + 1:
            rows[-1].append(each)
        else:
            rows.append([each])
    return ", ".join(f"{row[0]}–{row[-1]}" if len(row) > 2 else ", ".join(map(str, row)) for row in rows)


def _labels(chart: XyChart, up: Scale, floor: float) -> list[Markup]:
    """Names at the right end of what they name, moved apart where they would touch."""
    wanted = [(up(bound.value), bound.label, f"bound-name {bound.severity}") for bound in chart.bounds]
    wanted += [(up(curve.points[-1][1]), curve.label, f"name {curve.style}") for curve in chart.curves if curve.points]
    wanted.sort(key=lambda label: label[0])
    places = spread([place for place, _, _ in wanted], TOP, floor - 4)
    return [
        text(WIDTH - RIGHT + 8, place + 4, label, class_=style)
        for place, (_, label, style) in zip(places, wanted, strict=True)
    ]
