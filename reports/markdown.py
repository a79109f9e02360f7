"""summary.md, for a CI step summary. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.model.audit import AuditReport
from harness.model.slo import Slo
from harness.model.units import format_quantity
from harness.model.verdict import Outcome, RuleVerdict, Severity, Verdict
from reports.material import Material
from reports.sections.answer import borderline, bound_words
from reports.sections.promise import value_words, warning_words
from reports.sections.rules import purpose_words, seen_words
from reports.text import fit

SYMBOLS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔", Outcome.INVALID: "🚫"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def summary_markdown(material: Material) -> str:
    """Outcome, sentence, matrix, what was not proven, and where the report is."""
    evidence, verdict = material.evidence, material.verdict
    manifest = evidence.manifest
    warning = " (warning)" if verdict.outcome is Outcome.PASS and verdict.severity is Severity.WARNING else ""
    lines = [
        f"## {SYMBOLS[verdict.outcome]} {verdict.outcome}{warning}: {plain(evidence.subject.title)}, "
        f"stage {plain(evidence.subject.stage.name)}{f', {manifest.rehearsal}' if manifest.rehearsal else ''}",
        "",
        plain(verdict.headline),
        "",
    ]
    if verdict.bottleneck is not None and verdict.outcome is not Outcome.INVALID:
        lines += [plain(verdict.bottleneck.sentence), ""]
    if verdict.cut_short:
        lines += [f"**Cut short:** {plain(verdict.cut_short)}", ""]
    if verdict.verdicts:
        lines += [*_matrix(material), ""]
    if verdict.rules:
        lines += [*_rules(material), ""]
    if close := borderline(material):
        lines += ["**Close to a bound: the same run made again may be judged otherwise**", ""]
        lines += [*(f"- {plain(line)}" for line in close), ""]
    unsound = [check for check in verdict.checks if check.passed is False]
    if unsound:
        lines += ["**Unsound evidence**", ""]
        lines += [f"- {plain(check.title)} ({plain(check.level or 'run')}): {plain(check.reason)}" for check in unsound]
        lines.append("")
    if verdict.not_proven:
        lines += ["**Not proven**", "", *(f"- {plain(line)}" for line in verdict.not_proven), ""]
    lines += audit_lines(evidence.audit)
    lines += [
        f"Report: `report.html` in run `{code(manifest.run_id)}` · profile {plain(manifest.profile)} · "
        f"seed {manifest.seed}",
        "",
    ]
    return fit("\n".join(lines))


def _head(material: Material, what: str, judged: Sequence[Verdict | RuleVerdict]) -> tuple[list[str], list[str]]:
    """The names of the levels at which something is judged, and the table's first lines."""
    levels = [level for level in material.evidence.plan.levels if any(cell.level == level.name for cell in judged)]
    heads = [f"{plain(level.name)} {format_quantity(level.rate.value, level.rate.unit)}" for level in levels]
    rows = [f"| {what} | {' | '.join(heads)} |", "|--|" + "--|" * len(levels)]
    return [level.name.value for level in levels], rows


def _rules(material: Material) -> list[str]:
    verdict = material.verdict
    levels, rows = _head(material, "Rule", verdict.rules)
    for rule_id in dict.fromkeys(rule.rule_id for rule in verdict.rules):
        cells = [verdict.rule(rule_id, level) for level in levels]
        first = next(cell for cell in cells if cell is not None)
        said = " | ".join("–" if cell is None else _rule(cell) for cell in cells)
        rows.append(f"| {plain(first.title)} {plain(first.condition)} ({purpose_words(first)}) | {said} |")
    return rows


def _rule(rule: RuleVerdict) -> str:
    warning = " warning" if rule.severity is Severity.WARNING else ""
    seen = plain(seen_words(rule))
    return f"{SYMBOLS[rule.outcome]} {rule.outcome}{warning} {plain(rule.state)}{f' ({seen})' if seen else ''}"


def _matrix(material: Material) -> list[str]:
    verdict = material.verdict
    levels, rows = _head(material, "Promise", verdict.verdicts)
    slos = {slo.id: slo for slo in material.evidence.subject.stage.slos}
    for slo_id in dict.fromkeys(cell.slo_id for cell in verdict.verdicts):
        cells = [verdict.cell(slo_id, level) for level in levels]
        title = next(cell.title for cell in cells if cell is not None)
        rows.append(
            f"| {plain(title)} | "
            + " | ".join("–" if cell is None else _cell(cell, slos.get(slo_id)) for cell in cells)
            + " |"
        )
    return rows


def _cell(cell: Verdict, slo: Slo | None) -> str:
    bound, warning = bound_words(slo, cell), warning_words(cell)
    value = plain(value_words(cell.measurement))
    against = f" ({plain(bound)})" if cell.measurement is not None and bound else ""
    return f"{SYMBOLS[cell.outcome]} {cell.outcome}{' ' + warning if warning else ''} {value}{against}"


def audit_lines(audit: AuditReport | None) -> list[str]:
    """How many findings the plan's audit had; nothing where there was none."""
    return [] if audit is None or not audit.findings else [f"Plan audit: {plain(audit.summary)}", ""]


def plain(text: str) -> str:
    """Text that no Markdown or HTML reader takes for markup, on one line."""
    one_line = " ".join(text.split())
    escaped = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(
        lambda found: f"&#{ord(found.group(1))};" if found.group(1) in "\\`*_[]|~" else found.group(1), escaped
    )


def code(text: str) -> str:
    """Text inside a code span, where nothing can be escaped: what could end it or start a tag is replaced."""
    return " ".join(text.translate(str.maketrans("`|<>", "'¦‹›")).split())
