"""The plan against the measurement: each prediction, what the run measured of it, and the ratio. It judges nothing."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.predictions import compare
from harness.model.audit import Relation
from harness.model.bottleneck import Confidence
from harness.model.measurement import Basis, Measurement
from harness.model.prediction import Comparison, measure
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from reports.material import Material


@dataclass(frozen=True, slots=True)
class Row:
    """One prediction. basis: MEASURED or ESTIMATED. spread: the interval of the measured value, or why there is none.
    off: the measured value lies outside of what is predicted, by more than its interval."""

    title: str
    level: str
    predicted: str
    arithmetic: str
    assumed: bool
    measured: str
    spread: str
    basis: str
    ratio: str
    off: bool
    how: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirstToGiveOut:
    """Which resource gives out first: the plan's words, and what the run found, for a reader to compare. basis: empty
    where the run found none."""

    planned: str
    citation: str
    found: str
    basis: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """The table, and the bottleneck."""

    document: str
    rows: tuple[Row, ...]
    first: FirstToGiveOut | None


def build(material: Material) -> Predictions | None:
    """None where the plan's data name no prediction, as in older runs."""
    evidence = material.evidence
    rows = tuple(_row(each) for each in compare(evidence))
    return Predictions(evidence.subject.document, rows, _first(material)) if rows else None


def _first(material: Material) -> FirstToGiveOut | None:
    """None without any load."""
    found, planned = material.verdict.bottleneck, material.evidence.subject.stage.bottleneck
    if found is None or found.confidence is Confidence.NOT_LOADED:
        return None
    sound = found.confidence is Confidence.NAMED and material.verdict.outcome is not Outcome.INVALID
    words = f"{found.title}: {found.sentence}" if sound and found.title not in found.sentence else found.sentence
    return FirstToGiveOut(planned.text, str(planned.citation), words, Basis.MEASURED.value if sound else "")


def _row(seen: Comparison) -> Row:
    planned, found, kind = seen.prediction, seen.measurement, measure(seen.prediction.measure)
    values = [_words(planned.low, planned.unit)]
    if planned.high != planned.low:
        values.append(_words(planned.high, planned.unit))
    sign = "" if planned.relation is Relation.EQUAL else f"{planned.relation.sign} "
    return Row(
        title=planned.title,
        level=planned.level,
        predicted=sign + " to ".join(values),
        arithmetic="; ".join((planned.arithmetic, *(f"by {formula}" for formula in planned.formulas))),
        assumed=planned.assumed,
        measured="not measured" if found is None else _words(found.value, found.unit),
        spread=seen.missing if found is None else _interval(found),
        basis="" if found is None else found.basis.value,
        ratio=ratio_words(seen.ratio),
        off=found is not None and _off(seen, found),
        how=kind.how,
        citations=tuple(str(citation) for citation in planned.citations),
    )


def _words(value: float, unit: Unit) -> str:
    """With three digits: a mean of 34.273 connections is 34.3."""
    return format_quantity(float(f"{value:.3g}") if value < 1000 else value, unit)


def _interval(found: Measurement) -> str:
    if found.lower is None or found.upper is None:
        return "one batch says nothing about its spread"
    return f"{_words(found.lower, found.unit)} to {_words(found.upper, found.unit)} (95 %)"


def ratio_words(ratio: tuple[float, float] | None) -> str:
    """``0.62``, or of a range ``0.4 to 0.8``; an en dash where there is none."""
    if ratio is None:
        return "–"
    low, high = (f"{value:.2g}" if value < 10 else f"{value:,.0f}" for value in ratio)
    return low if low == high else f"{low} to {high}"


def _off(seen: Comparison, found: Measurement) -> bool:
    planned = seen.prediction
    lower = found.value if found.lower is None else found.lower
    upper = found.value if found.upper is None else found.upper
    above = planned.relation is not Relation.AT_LEAST and lower > planned.high
    below = planned.relation is not Relation.AT_MOST and upper < planned.low
    return above or below
