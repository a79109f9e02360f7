"""The answer of a search: outcome, one sentence, three figures, and what was not proven."""

from __future__ import annotations

from harness.analysis.capacity import bracket_figure, deciding_trial, headroom_words, peak_words, rate_words
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome, Severity
from reports.capacity.material import CapacityMaterial
from reports.sections.answer import Answer, KeyFigure


def build(material: CapacityMaterial) -> Answer:
    """The answer, in the shape of a run's."""
    verdict = material.verdict
    outcomes = [result.outcome for result in verdict.results]
    counts = ((outcome, outcomes.count(outcome)) for outcome in Outcome)
    more = " ".join(filter(None, (verdict.more, *(f"Warning at its lower end: {line}." for line in verdict.warnings))))
    return Answer(
        outcome=verdict.outcome,
        severity=Severity.WARNING if verdict.warnings and verdict.outcome is Outcome.PASS else Severity.NONE,
        headline=verdict.headline,
        more=more,
        bottleneck=verdict.bottleneck,
        cut_short=verdict.cut_short,
        counts=tuple((outcome, count) for outcome, count in counts if count),
        figures=(_capacity(material), _response(material), _limit(material)),
        not_proven=verdict.not_proven,
    )


def _capacity(material: CapacityMaterial) -> KeyFigure:
    verdict = material.verdict
    bracket, settings = verdict.bracket, material.found.search.settings
    sure = (
        f"{settings.confirmations} fresh trials of {settings.confirm_seconds:g} s passed at the lower end"
        if bracket.confirmed
        else "not confirmed by fresh trials"
    )
    peak = verdict.planned_peak.value
    planned = f"planned peak {peak_words(verdict.planned_peak)}, headroom {headroom_words(bracket, peak)}"
    return KeyFigure("Capacity", bracket_figure(bracket), planned, sure)


def _response(material: CapacityMaterial) -> KeyFigure:
    verdict = material.verdict
    result = deciding_trial(verdict.results, verdict.bracket.lower_per_second, passed=True)
    p95 = None if result is None else result.quantiles_seconds.get("0.95")
    if result is None or p95 is None:
        return KeyFigure("Response time", "not known", "", "no trial passed")
    return KeyFigure(
        f"p95 response time at {rate_words(result.trial.rate_per_second)}",
        format_quantity(p95, Unit.SECONDS),
        material.found.search.bound_words,
        f"trial {result.trial.number}, {result.n:,} requests",
        result.outcome,
    )


def _limit(material: CapacityMaterial) -> KeyFigure:
    verdict = material.verdict
    above = deciding_trial(verdict.results, verdict.bracket.upper_per_second, passed=False)
    if above is None:
        return KeyFigure("What ends it", "not found", "", "no trial was too much")
    titles = {slo.id: slo.title for slo in material.found.subject.stage.slos}
    proven = "proven" if verdict.bracket.proven else "not proven"
    return KeyFigure(
        f"First bound not kept, at {rate_words(above.trial.rate_per_second)}",
        titles.get(above.deciding, above.deciding or "none by itself"),
        proven,
        above.reason,
        above.outcome,
    )
