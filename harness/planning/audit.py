"""The plan audit: every comparison that a system's file asks for, calculated from its figures. Pure, without load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches

from harness.errors import PlanError
from harness.model.audit import Audit, AuditFinding, AuditReport, Relation
from harness.model.figure import Figure
from harness.model.target import CapacityTarget
from harness.model.units import Unit
from harness.planning.expression import Value, comparable, evaluate, paths_in
from harness.planning.paths import figures_by_path

DUST = 1e-9
"""What binary fractions add to a comparison."""


def audit_plan(target: CapacityTarget) -> AuditReport:
    """What came of each of the system's audits, in the order of its file. Raises PlanError for one that cannot be
    calculated, which ``mistakes`` finds when the file is read."""
    figure_of = lookup(target)
    findings = tuple(replace(_finding(each, figure_of), stages=_stages_of(each, target)) for each in target.audits)
    return AuditReport(target.name, target.title, target.document, findings)


def mistakes(target: CapacityTarget) -> Iterator[tuple[str, str]]:
    """Of the audits that cannot be calculated: the id and a sentence."""
    figure_of = lookup(target)
    for each in target.audits:
        try:
            _finding(each, figure_of)
        except PlanError as error:
            yield each.id, error.message


def _stages_of(each: Audit, target: CapacityTarget) -> tuple[str, ...]:
    """The stages whose figures it names."""
    paths = [path for side in (each.compute, each.against) for path in paths_in(side)]
    return tuple(
        stage.name for stage in target.stages if any(path.startswith(f"stages.{stage.name}.") for path in paths)
    )


def lookup(target: CapacityTarget) -> Callable[[str], Figure]:
    """Finds a figure by its path. What it returns raises ValueError, in words, for a path that leads to none."""
    figures = figures_by_path(target)

    def figure_of(path: str) -> Figure:
        try:
            return figures[path]
        except KeyError:
            table, _, name = path.rpartition(".")
            near = [each for each in figures if each.rpartition(".")[0] == table or each.endswith(f".{name}")]
            close = get_close_matches(path, near, n=1, cutoff=0.5)
            hint = f'; did you mean "{close[0]}"?' if close else ""
            raise ValueError(f'there is no figure "{path}"{hint}') from None

    return figure_of


def _finding(each: Audit, figure_of: Callable[[str], Figure]) -> AuditFinding:
    if not each.compute:
        return AuditFinding(
            each.id, each.title, False, each.grade, "", "", each.relation, "", None, each.says, each.citations, (), True
        )
    try:
        found, stated = evaluate(each.compute, figure_of), evaluate(each.against, figure_of)
        if not comparable(found.unit, stated.unit):
            raise ValueError(f"compares {found.unit} ({found.text}) with {stated.unit} ({stated.text})")
    except ValueError as error:
        raise PlanError(str(error), f"audit {each.id}") from error
    unit = stated.unit or found.unit or Unit.COUNT
    agrees = _holds(found, each.relation, stated, each.tolerance)
    citations = tuple(dict.fromkeys((*each.citations, *found.citations, *stated.citations)))
    return AuditFinding(
        each.id,
        each.title,
        agrees,
        None if agrees else each.grade,
        _arithmetic(found, unit),
        found.shown(unit),
        each.relation,
        _arithmetic(stated, unit),
        found.low / stated.low if stated.low else None,
        "" if agrees else each.says,
        citations,
        tuple(dict.fromkeys((*found.formulas, *stated.formulas))),
        rests_on_assumption=found.assumed or stated.assumed,
    )


def _arithmetic(value: Value, unit: Unit) -> str:
    """With its result, where it is more than a figure."""
    return f"{value.text} = {value.shown(unit)}" if value.is_calculated else value.shown(unit)


def _holds(found: Value, relation: Relation, stated: Value, tolerance: float) -> bool:
    """Whether the sides stand in the relation, up to the tolerance.

    Two ranges are equal when their ends are; a single value equals a range that it lies in. At most: neither the least
    nor the most of the one side exceeds that of the other.
    """

    def at_most(low: float, high: float) -> bool:
        return low <= high + tolerance * max(abs(low), abs(high)) + DUST

    if relation is Relation.AT_MOST:
        return at_most(found.low, stated.low) and at_most(found.high, stated.high)
    if relation is Relation.AT_LEAST:
        return at_most(stated.low, found.low) and at_most(stated.high, found.high)
    inner, outer = (stated, found) if stated.low == stated.high else (found, stated)
    if inner.low == inner.high:
        return at_most(outer.low, inner.low) and at_most(inner.high, outer.high)
    return all(
        at_most(one, other) and at_most(other, one)
        for one, other in ((found.low, stated.low), (found.high, stated.high))
    )
