"""The plan's rules, row by row: triggers with a duration, utilisation targets, uptime."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.utilisation import supported_words
from harness.model.rule import duration_words
from harness.model.units import format_quantity
from harness.model.verdict import RuleVerdict, Severity
from reports.sections.matrix import Cell, Row

_PURPOSES = {"timed": "", "band": "utilisation target", "uptime": "what this run can claim of it"}


def rule_rows(rules: tuple[RuleVerdict, ...], levels: Iterable[str]) -> tuple[Row, ...]:
    """A row for each rule, with a cell for each of the levels."""
    names = tuple(levels)
    found: dict[str, dict[str, RuleVerdict]] = {}
    for rule in rules:
        found.setdefault(rule.rule_id, {})[rule.level] = rule
    return tuple(_row(cells, names) for cells in found.values())


def purpose_words(rule: RuleVerdict) -> str:
    """What the plan does with it."""
    return rule.purpose or _PURPOSES.get(rule.kind, rule.kind)


def seen_words(rule: RuleVerdict) -> str:
    """The value beside the state: ``highest 41 %``, ``mean 12 %``, ``supports 99.87 %``; else empty."""
    if rule.measurement is None:
        return ""
    if rule.kind == "uptime":
        upper = rule.measurement.bad_upper
        return f"supports {supported_words(1.0 if upper is None else upper)}"
    words = format_quantity(float(f"{rule.measurement.value:.3g}"), rule.measurement.unit)
    if rule.kind == "timed":
        return f"{rule.measurement.method.partition(' ')[0]} {words}"
    return f"mean {words}"


def _row(cells: dict[str, RuleVerdict], levels: tuple[str, ...]) -> Row:
    first = next(iter(cells.values()))
    return Row(
        title=first.title,
        bound=first.condition,
        note=purpose_words(first),
        cells=tuple(_cell(cells[level]) if level in cells else None for level in levels),
    )


def _cell(rule: RuleVerdict) -> Cell:
    return Cell(
        outcome=rule.outcome,
        warning="warning" if rule.severity is Severity.WARNING else "",
        value=rule.state,
        bound=seen_words(rule),
        reason=rule.reason,
        details=tuple(_details(rule)),
        citation=str(rule.citation),
    )


def _details(rule: RuleVerdict) -> Iterable[tuple[str, str]]:
    seen = rule.measurement
    if rule.fired_after_seconds is not None:
        yield "fired after", f"{duration_words(rule.fired_after_seconds)} of the measure phase"
    if rule.needed_seconds is not None:
        yield "takes", f"{duration_words(rule.needed_seconds)} measured at each level"
    if seen is not None and rule.kind == "timed":
        yield "windows", f"{seen.n:,} with a value, the condition held in {seen.bad or 0:,}"
    elif seen is not None and seen.lower is not None and seen.upper is not None:
        low, high = (format_quantity(value, seen.unit) for value in (seen.lower, seen.upper))
        yield "interval", f"{low} to {high} (95 %)"
    if not rule.counts:
        yield "in the run's outcome", "has no say"
    if rule.assumed:
        yield "rests on assumed", ", ".join(rule.assumed)
    if rule.tainted_by:
        yield "unsound because of", ", ".join(rule.tainted_by)
