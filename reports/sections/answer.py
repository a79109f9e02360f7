"""The answer: outcome, one sentence, three figures, and what was not proven."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.analysis.headline import TRIAL_KIND
from harness.analysis.survival import RESPONSE_SLI
from harness.model.plan import LevelName
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import format_quantity
from harness.model.verdict import Outcome, RuleVerdict, RunVerdict, Severity, Verdict
from reports.material import Material

_NEXT_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the three figures: what it is, its value, what it is held against, and how sure we are.

    outcome, warning: of the cell that it comes from, where it comes from one: a number of an INVALID cell must not look
    sound.
    """

    title: str
    value: str
    against: str
    certainty: str
    outcome: Outcome | None = None
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands at the top of the report. headline: the first sentence of the verdict's, more: what follows it.
    bottleneck: what was saturated first, in a sentence."""

    outcome: Outcome
    severity: str
    headline: str
    more: str
    bottleneck: str
    cut_short: str
    counts: tuple[tuple[Outcome, int], ...]
    figures: tuple[KeyFigure, ...]
    not_proven: tuple[str, ...]


def build(material: Material) -> Answer:
    """The answer, from the verdict."""
    verdict = material.verdict
    headline, *more = _NEXT_SENTENCE.split(verdict.headline, maxsplit=1)
    return Answer(
        outcome=verdict.outcome,
        severity=verdict.severity,
        headline=headline,
        more=" ".join(more),
        bottleneck=""
        if verdict.bottleneck is None or verdict.outcome is Outcome.INVALID
        else verdict.bottleneck.sentence,
        cut_short=verdict.cut_short,
        counts=count_outcomes(verdict),
        figures=(_load_proven(material), _response_time(material), _closest(material)),
        not_proven=verdict.not_proven,
    )


def count_outcomes(verdict: RunVerdict) -> tuple[tuple[Outcome, int], ...]:
    """How many of the cells that have a say have each outcome, those with none left out."""
    counts = ((outcome, sum(cell.outcome is outcome for cell in verdict.deciding)) for outcome in Outcome)
    return tuple((outcome, count) for outcome, count in counts if count)


def _load_proven(material: Material) -> KeyFigure:
    """The highest level at which every promise was kept. No capacity search was made, so it is at least this."""
    plan = material.evidence.plan
    peak = next((level for level in plan.levels if level.name is LevelName.PEAK), None)
    said = "the trial's load" if material.evidence.manifest.kind == TRIAL_KIND else "planned peak"
    planned = "no peak was planned" if peak is None else f"{said} {format_quantity(peak.rate.value, peak.rate.unit)}"
    if material.verdict.outcome is Outcome.INVALID:
        return KeyFigure("Load proven", "none", planned, "the evidence of this run is not sound")
    best = None
    for level in plan.levels:
        cells = [cell for cell in material.verdict.deciding if cell.level == level.name]
        kept = bool(cells) and all(cell.outcome is Outcome.PASS for cell in cells)
        promised = level.name in (LevelName.NORMAL, LevelName.PEAK)
        if kept and promised and (best is None or level.rate.value > best.rate.value):
            best = level
    if best is None:
        return KeyFigure("Load proven", "none", planned, "at no level was every promise shown to be kept")
    value = format_quantity(best.rate.value, best.rate.unit)
    warned = any(is_warning(cell) for cell in material.verdict.everything if cell.level == best.name)
    kept_words = f"every {'critical bound' if warned else 'promise'} kept at {best.name}"
    return KeyFigure(
        "Load proven",
        value,
        planned,
        f"{kept_words}{', with a warning' if warned else ''}; where it ends was not searched",
    )


def _response_time(material: Material) -> KeyFigure:
    """The response time at the peak, else at the busiest level where it was measured."""
    timed = [slo for slo in material.evidence.subject.stage.slos if slo.kind is SloKind.QUANTILE]
    slos = {slo.id: slo for slo in timed if slo.sli == RESPONSE_SLI} or {slo.id: slo for slo in timed}
    cells = [cell for cell in material.verdict.verdicts if cell.slo_id in slos and cell.measurement is not None]
    cell = next((c for c in cells if c.level == LevelName.PEAK), cells[0] if cells else None)
    if cell is None or cell.measurement is None:
        return KeyFigure("Response time", "not measured", "", "no level was measured to its end")
    slo, measurement = slos[cell.slo_id], cell.measurement
    return KeyFigure(
        f"{quantile_name(slo)} response time at {cell.level}",
        format_quantity(measurement.value, measurement.unit),
        named_bound(slo, cell),
        ", ".join(words for words in (interval_words(cell), f"{measurement.n:,} requests") if words),
        cell.outcome,
        is_warning(cell),
    )


def _closest(material: Material) -> KeyFigure:
    """The gauge that used most of its bound at the busiest promised level."""
    slos = {
        slo.id: slo
        for slo in material.evidence.subject.stage.slos
        if slo.kind is SloKind.GAUGE and slo.comparison is Comparison.AT_MOST
    }
    cells = [
        (cell.measurement.value / cell.bound_value, cell)
        for cell in material.verdict.verdicts
        if cell.slo_id in slos and cell.measurement is not None and cell.bound_value
    ]
    if not cells:
        return KeyFigure("Closest to its bound", "not known", "", "no server was sampled through a whole level")
    peak = [pair for pair in cells if pair[1].level == LevelName.PEAK] or cells
    share, cell = max(peak, key=lambda pair: pair[0])
    assert cell.measurement is not None
    slo = slos[cell.slo_id]
    title = f"Past its {bound_severity(slo, cell)}bound" if share > 1 else "Closest to its bound"
    return KeyFigure(
        f"{title}: {slo.title}",
        format_quantity(cell.measurement.value, cell.measurement.unit),
        named_bound(slo, cell),
        ", ".join(words for words in (f"at {cell.level}", interval_words(cell)) if words),
        cell.outcome,
        is_warning(cell),
    )


def is_warning(cell: Verdict | RuleVerdict) -> bool:
    """A PASS that breaks its warning."""
    return cell.outcome is Outcome.PASS and cell.severity is Severity.WARNING


def borderline(material: Material) -> tuple[str, ...]:
    """A line for each row that lies too close to its bound to be the same in every run."""
    return tuple(
        f"{cell.title} at {cell.level}: {cell.reason}" for cell in material.verdict.verdicts if cell.borderline
    )


def quantile_name(slo: Slo) -> str:
    """p95, p99.9…"""
    return "p" + f"{(slo.quantile or 0) * 100:.6g}"


def bound_words(slo: Slo | None, cell: Verdict) -> str:
    """The decisive bound as ``≤ 500 ms``."""
    if cell.bound_value is None or cell.measurement is None:
        return cell.bound
    sign = slo.comparison.sign if slo is not None else ""
    return f"{sign} {format_quantity(cell.bound_value, cell.measurement.unit)}".strip()


def named_bound(slo: Slo, cell: Verdict) -> str:
    """The decisive bound with its severity: ``warning bound ≤ 500 ms``."""
    return f"{bound_severity(slo, cell)}bound {bound_words(slo, cell)}"


def bound_severity(slo: Slo, cell: Verdict) -> str:
    """Which of the bounds was decisive: ``warning ``, ``critical `` or nothing."""
    figures = (("warning ", slo.warning), ("critical ", slo.critical))
    return next((name for name, figure in figures if figure is not None and figure.value == cell.bound_value), "")


def interval_words(cell: Verdict) -> str:
    """The interval of the measured value, if there is one."""
    measurement = cell.measurement
    if measurement is None or measurement.lower is None or measurement.upper is None:
        return ""
    low = format_quantity(measurement.lower, measurement.unit)
    high = format_quantity(measurement.upper, measurement.unit)
    return f"95 % sure: {low} to {high}" if low != high else f"95 % sure: {low}"
