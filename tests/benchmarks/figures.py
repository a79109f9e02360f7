"""What a measurement comes to: medians, ratios with their spread, and whether a claim is reached. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median


class Outcome(StrEnum):
    """What became of a claim."""

    AIM = "aim reached"
    REACHED = "reached"
    MISSED = "missed"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of what must be reached.

    group: whose readings it is about. over: the contestant that ours is divided by; empty: ours itself.
    at_least, aim: bounds; at most, where ``lower`` is better. apart: the figure is how far the ratio is from 1, in
    percent. unit: of a figure that is no ratio.
    """

    title: str
    group: str
    at_least: float
    aim: float
    over: str = ""
    lower: bool = False
    apart: bool = False
    unit: str = ""
    ours: str = "proofload"


@dataclass(frozen=True, slots=True)
class Readings:
    """What the contestants of a group showed, run by run; ``missing`` says why one showed nothing, or too little."""

    values: Mapping[str, tuple[float, ...]]
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with the smallest and the largest of the runs."""

    middle: float
    least: float
    most: float
    runs: int


def figure_of(values: Sequence[float]) -> Figure:
    """Raises ValueError without any value."""
    if not values:
        raise ValueError("no value, no figure")
    return Figure(median(values), min(values), max(values), len(values))


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """The ratio of the medians. Its spread is that of the ratios run by run: the runs alternate, so that each pair saw
    the same machine. Raises ValueError without any pair, or when theirs is nothing."""
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs or median(theirs) <= 0 or min(theirs) <= 0:
        raise ValueError("nothing to compare with")
    each = [a / b for a, b in pairs]
    return Figure(median(ours) / median(theirs), min(each), max(each), len(pairs))


def found(claim: Claim, readings: Readings | None) -> Figure | None:
    """The figure that the claim is about; None when it was not measured."""
    if readings is None:
        return None
    ours = readings.values.get(claim.ours, ())
    theirs = readings.values.get(claim.over, ())
    try:
        figure = ratio_of(ours, theirs) if claim.over else figure_of(ours)
    except ValueError:
        return None
    return _apart(figure) if claim.apart else figure


def _apart(ratio: Figure) -> Figure:
    least, most = sorted((abs(ratio.least - 1), abs(ratio.most - 1)))
    if ratio.least <= 1 <= ratio.most:
        least = 0.0
    return Figure(100 * abs(ratio.middle - 1), 100 * least, 100 * most, ratio.runs)


def outcome(claim: Claim, figure: Figure | None) -> Outcome:
    """By the median."""
    if figure is None:
        return Outcome.UNKNOWN
    for bound, reached in ((claim.aim, Outcome.AIM), (claim.at_least, Outcome.REACHED)):
        if figure.middle <= bound if claim.lower else figure.middle >= bound:
            return reached
    return Outcome.MISSED


def highest_held(holds: Mapping[float, bool]) -> float:
    """The highest rate that held below the lowest that did not; 0 when none did."""
    broken = min((rate for rate, held in holds.items() if not held), default=float("inf"))
    return max((rate for rate, held in holds.items() if held and rate < broken), default=0.0)


def next_rate(holds: Mapping[float, bool], first: float, resolution: float, stride: float = 2.0) -> float | None:
    """Which rate to try next: multiplied by ``stride`` until one does not hold (divided, until one does), then
    half-way in proportion.

    None when the bracket is as narrow as ``resolution``, a factor such as 1.05, or when nothing holds.
    """
    if not holds:
        return first
    held = highest_held(holds)
    broken = min((rate for rate, good in holds.items() if not good), default=0.0)
    if not held:
        return broken / stride if broken > first / 64 else None
    if not broken:
        return held * stride
    return None if broken / held <= resolution else float((held * broken) ** 0.5)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank. Raises ValueError without any value."""
    if not values:
        raise ValueError("no value, no percentile")
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]
