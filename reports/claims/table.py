"""The claims, a row each: before, after, the factor with its interval, and what the plan says."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.claims import ClaimResult, ClaimsEvidence, ClaimsFound, Support
from harness.model.figure import Figure, Provenance
from harness.model.measurement import Measurement
from harness.model.prediction import measure
from harness.model.units import Unit, format_quantity
from reports.sections.trust import run_facts


@dataclass(frozen=True, slots=True)
class Row:
    """One claim, in words."""

    id: str
    text: str
    how: str
    before: str
    after: str
    factor: str
    planned: str
    support: Support
    reason: str
    citation: str
    basis: str


@dataclass(frozen=True, slots=True)
class Claims:
    """The whole content. runs: with or without what, folder, how it ended."""

    load: str
    rows: tuple[Row, ...]
    cut_short: str
    runs: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]
    command: str


def build(evidence: ClaimsEvidence, found: ClaimsFound) -> Claims:
    """The report's content."""
    asked, manifest = evidence.asked, evidence.manifest
    plan = next((read.plan for read in evidence.read if read is not None), None)
    load = format_quantity(asked.rate_per_second, Unit.PER_SECOND)
    rate = planned_rate(evidence)
    mark = " (assumed)" if rate is not None and rate.provenance is Provenance.ASSUMED else ""
    return Claims(
        load=f"{load}{mark} for {asked.measure_seconds:g} s in each run",
        rows=tuple(row_of(result) for result in found.results),
        cut_short=found.cut_short,
        runs=tuple(
            (f"{run.switch.value.replace('_', ' ')}, {'after' if run.improved else 'before'}", run.folder, run.ended)
            for run in found.runs
        ),
        facts=() if plan is None else run_facts(manifest, plan.arrivals),
        command=manifest.command,
    )


def planned_rate(evidence: ClaimsEvidence) -> Figure | None:
    """The rate of the runs, with where it comes from; None when no run's plan is left."""
    return next((read.plan.levels[0].rate for read in evidence.read if read is not None), None)


def row_of(result: ClaimResult) -> Row:
    """One claim in words."""
    kind, claim = measure(result.measure), result.claim
    planned = None if result.planned_low is None else (result.planned_low, result.planned_high or result.planned_low)
    seen = next((each for each in (result.after, result.before) if each is not None), None)
    return Row(
        id=claim.id,
        text=claim.text,
        how=f"{kind.of_endpoint}, {claim.endpoint}" if claim.endpoint and kind.of_endpoint else kind.how,
        before=_value(result.before),
        after=_value(result.after),
        factor=_factor(result),
        planned="–" if planned is None else _range(*planned, difference=result.difference),
        support=result.support,
        reason=result.reason,
        citation=str(claim.citation),
        basis="" if seen is None else seen.basis.value,
    )


def _value(seen: Measurement | None) -> str:
    if seen is None:
        return "–"
    words = format_quantity(float(f"{seen.value:.3g}"), seen.unit)
    if seen.lower is None or seen.upper is None:
        return words
    low, high = (format_quantity(float(f"{value:.3g}"), seen.unit) for value in (seen.lower, seen.upper))
    return f"{words} ({low} to {high})"


def _factor(result: ClaimResult) -> str:
    if result.factor is None or result.lower is None or result.upper is None:
        return "–"
    value = _number(result.factor, result.difference)
    return f"{value} ({_range(result.lower, result.upper, difference=result.difference)})"


def _range(low: float, high: float, *, difference: bool) -> str:
    first, last = _number(low, difference), _number(high, difference)
    return first if first == last else f"{first} to {last}"


def _number(value: float, difference: bool) -> str:
    """A factor, or percentage points."""
    if difference:
        return f"{value * 100:+.0f} points"
    return "∞" if value == float("inf") else f"{value:.2f}×" if value < 10 else f"{value:.0f}×"
