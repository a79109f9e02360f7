"""The promise, row by row: SLO × level."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.facts import COUNTED
from harness.analysis.survival import RECOVERY_SLI
from harness.analysis.tested import is_lower_limit
from harness.model.measurement import Basis, Measurement
from harness.model.plan import Level
from harness.model.units import format_quantity
from harness.model.verdict import Outcome, Verdict
from reports.material import Material
from reports.sections.answer import borderline, bound_words, interval_words, is_warning
from reports.sections.matrix import Cell, Row
from reports.sections.rules import rule_rows


@dataclass(frozen=True, slots=True)
class Column:
    """One level: its name and its rate with how far that is the plan's own."""

    name: str
    rate: str
    provenance: str


@dataclass(frozen=True, slots=True)
class Promise:
    """The matrix, and the plan's rules in another one. borderline: which rows lie so close to a bound that another run
    may judge them otherwise."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    borderline: tuple[str, ...] = ()
    rules: tuple[Row, ...] = ()


def build(material: Material) -> Promise | None:
    """The matrix; None when nothing was judged."""
    verdicts, rules = material.verdict.verdicts, material.verdict.rules
    if not verdicts and not rules:
        return None
    judged = {each.level for each in material.verdict.everything}
    levels = [level for level in material.evidence.plan.levels if level.name in judged]
    ids = tuple(dict.fromkeys(verdict.slo_id for verdict in verdicts))
    return Promise(
        columns=tuple(column(level) for level in levels),
        rows=tuple(_row(material, slo_id, [level.name for level in levels]) for slo_id in ids),
        borderline=borderline(material),
        rules=rule_rows(rules, [level.name for level in levels]),
    )


def column(level: Level) -> Column:
    """A level as a column's head."""
    return Column(level.name, format_quantity(level.rate.value, level.rate.unit), level.rate.provenance)


def _row(material: Material, slo_id: str, levels: list[str]) -> Row:
    found = [material.verdict.cell(slo_id, level) for level in levels]
    first = next(verdict for verdict in found if verdict is not None)
    slo = next((slo for slo in material.evidence.subject.stage.slos if slo.id == slo_id), None)
    return Row(
        title=first.title,
        bound=first.bound,
        note=slo.note if slo is not None else "",
        cells=tuple(
            None
            if verdict is None
            else Cell(
                outcome=verdict.outcome,
                warning=warning_words(verdict),
                value=value_words(verdict.measurement),
                bound=bound_words(slo, verdict) if verdict.measurement is not None else "",
                reason=verdict.reason,
                details=tuple(_details(verdict)),
                citation=str(verdict.citation),
            )
            for verdict in found
        ),
    )


def warning_words(verdict: Verdict) -> str:
    """What is to be said of the warning beside the outcome."""
    if is_warning(verdict):
        return "warning"
    return "warning undecided" if verdict.outcome is Outcome.PASS and verdict.borderline else ""


def value_words(measurement: Measurement | None) -> str:
    """The value as people read it."""
    if measurement is None:
        return "no data"
    words = format_quantity(measurement.value, measurement.unit)
    if measurement.sli == RECOVERY_SLI and not measurement.value and not is_lower_limit(measurement):
        words = "at once"
    elif is_lower_limit(measurement):
        words = f"at least {words}"
    return words if measurement.basis is Basis.MEASURED else f"{words} (estimated)"


def _details(verdict: Verdict) -> list[tuple[str, str]]:
    measurement = verdict.measurement
    details: list[tuple[str, str]] = []
    if measurement is not None:
        if interval := interval_words(verdict):
            details.append(("interval", interval.removeprefix("95 % sure: ") + " (95 %)"))
        count = f"{measurement.n:,}"
        if measurement.n_effective is not None and measurement.n_effective < measurement.n - 0.5:
            count += f", worth {measurement.n_effective:,.0f} independent ones"
        if measurement.method != COUNTED:
            details.append(("n", count))
        if measurement.bad is not None:
            details.append(("over the bound or failed", f"{measurement.bad:,}"))
        if measurement.maximum is not None:
            details.append(("worst", format_quantity(measurement.maximum, measurement.unit)))
        if measurement.gap_ratio > 0:
            details.append(("not seen", f"{measurement.gap_ratio * 100:.0f} % of the phase"))
        if measurement.method:
            details.append(("method", measurement.method))
    if verdict.assumed:
        details.append(("rests on assumed", ", ".join(verdict.assumed)))
    if verdict.tainted_by:
        details.append(("unsound because of", ", ".join(verdict.tainted_by)))
    return details
