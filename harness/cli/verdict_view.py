"""A verdict in the terminal: the matrix, the answer, what was not proven."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.model.evidence import Evidence
from harness.model.verdict import Outcome, RuleVerdict, RunVerdict, Severity, Verdict
from harness.store.layout import RunDirectory
from reports.sections.promise import value_words, warning_words
from reports.sections.rules import purpose_words, seen_words

_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.INVALID: "magenta",
}


def print_verdict(console: Console, run: RunDirectory, evidence: Evidence, verdict: RunVerdict) -> None:
    """The matrix SLO × level, then the sentence, what stands in the way of more, and where the report lies."""
    console.print(_matrix(evidence, verdict))
    if verdict.rules:
        console.print(_rules(evidence, verdict))
    style = _STYLES[verdict.outcome]
    warning = verdict.outcome is Outcome.PASS and verdict.severity is Severity.WARNING
    mark = " (warning)" if warning else ""
    console.print(f"[{style}]{verdict.outcome}[/{style}]{mark}   {escape(verdict.headline)}", highlight=False)
    if verdict.bottleneck is not None and verdict.outcome is not Outcome.INVALID:
        console.print(f"limit   {verdict.bottleneck.sentence}", markup=False, highlight=False)
    for check in verdict.checks:
        if check.passed is not True and check.taints:
            console.print(
                f"check   {check.title} ({check.level or 'run'}): {check.reason}", markup=False, highlight=False
            )
    if verdict.not_proven:
        console.print("not proven:", highlight=False)
        for line in verdict.not_proven:
            console.print(f"  · {line}", markup=False, highlight=False)
    console.print(f"report  {run.report}", markup=False, highlight=False, soft_wrap=True)


def _matrix(evidence: Evidence, verdict: RunVerdict) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", max_width=44)
    for level in evidence.plan.levels:
        table.add_column(f"{level.name} {level.rate.value:g}/s", no_wrap=True)
    seen: dict[str, str] = {}
    for cell in verdict.verdicts:
        seen.setdefault(cell.slo_id, f"{cell.title} {cell.bound}")
    for slo_id, title in seen.items():
        cells = [_cell(verdict.cell(slo_id, level.name)) for level in evidence.plan.levels]
        table.add_row(escape(title), *cells)
    return table


def _rules(evidence: Evidence, verdict: RunVerdict) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("rules", max_width=44)
    for level in evidence.plan.levels:
        table.add_column(level.name, max_width=40)
    for rule_id in dict.fromkeys(rule.rule_id for rule in verdict.rules):
        cells = [verdict.rule(rule_id, level.name) for level in evidence.plan.levels]
        first = next(rule for rule in verdict.rules if rule.rule_id == rule_id)
        title = f"{first.title} {first.condition} ({purpose_words(first)})"
        table.add_row(escape(title), *(_rule(cell) for cell in cells))
    return table


def _rule(rule: RuleVerdict | None) -> str:
    if rule is None:
        return "[dim]–[/dim]"
    style, seen = _STYLES[rule.outcome], seen_words(rule)
    mark = " (warning)" if rule.severity is Severity.WARNING else ""
    return f"[{style}]{rule.outcome}[/{style}] {escape(rule.state)}{escape(f', {seen}') if seen else ''}{mark}"


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "[dim]–[/dim]"
    style = _STYLES[verdict.outcome]
    warning = warning_words(verdict)
    mark = f" ({warning})" if warning else ""
    value = "" if verdict.measurement is None else f" {value_words(verdict.measurement)}"
    return f"[{style}]{verdict.outcome}[/{style}]{escape(value)}{mark}"
