"""The engine of the audit: what agrees, what does not, and that changed data shows."""

from __future__ import annotations

import pytest

from harness.errors import PlanError
from harness.model.audit import Audit, Grade, Relation
from harness.model.figure import Citation, Figure, Provenance
from harness.model.target import CapacityTarget, FigureGroup
from harness.model.units import Unit
from harness.planning.audit import audit_plan, mistakes

FIRST, SECOND = Citation("plan.md", "Costs", "$40"), Citation("plan.md", "Items", "$35")


def figure(name: str, value: float, high: float | None = None, *, assumed: bool = False) -> Figure:
    provenance = Provenance.ASSUMED if assumed else Provenance.STATED
    place = FIRST if name == "total" else SECOND
    return Figure(name, value, Unit.USD_PER_MONTH, provenance, place, high, "because" if assumed else "")


def asked(relation: Relation, *, tolerance: float = 0.01, compute: str = "figures.costs.items") -> Audit:
    grade = Grade.CONTRADICTION
    return Audit("sum", "Items add up", compute, relation, "figures.costs.total", tolerance, grade, "They do not.")


def system(one: Audit, items: Figure, total: Figure) -> CapacityTarget:
    costs = FigureGroup("costs", "Costs", (items, total))
    return CapacityTarget("mine", "Mine", "plan.md", "mine.py", (), (), (), groups=(costs,), audits=(one,))


@pytest.mark.parametrize(
    ("relation", "items", "total", "agrees"),
    [
        (Relation.EQUAL, (40, None), (40, None), True),
        (Relation.EQUAL, (40.4, None), (40, None), True),
        (Relation.EQUAL, (39.6, None), (40, None), True),
        (Relation.EQUAL, (40.5, None), (40, None), False),
        (Relation.EQUAL, (35, None), (40, None), False),
        (Relation.EQUAL, (30, 50), (40, None), True),
        (Relation.EQUAL, (40, None), (30, 50), True),
        (Relation.EQUAL, (60, None), (30, 50), False),
        (Relation.EQUAL, (30, 50), (30, 50), True),
        (Relation.EQUAL, (30, 50), (30, 60), False),
        (Relation.EQUAL, (35, 50), (30, 50), False),
        (Relation.AT_MOST, (40, None), (40, None), True),
        (Relation.AT_MOST, (41, None), (40, None), False),
        (Relation.AT_MOST, (30, 50), (40, None), False),
        (Relation.AT_MOST, (30, 50), (40, 50), True),
        (Relation.AT_LEAST, (41, None), (40, None), True),
        (Relation.AT_LEAST, (39, None), (40, None), False),
        (Relation.AT_LEAST, (30, 50), (40, None), False),
        (Relation.EQUAL, (0, None), (0, None), True),
    ],
)
def test_two_sides_stand_in_a_relation_or_not(relation, items, total, agrees) -> None:
    its = system(asked(relation), figure("items", *items), figure("total", *total))
    (finding,) = audit_plan(its).findings
    assert finding.agrees is agrees
    assert finding.grade is (None if agrees else Grade.CONTRADICTION)
    assert finding.says == ("" if agrees else "They do not.")


def test_a_finding_shows_the_arithmetic_and_where_both_sides_come_from() -> None:
    one = asked(Relation.EQUAL, compute="figures.costs.items + figures.costs.items / 7")
    (finding,) = audit_plan(system(one, figure("items", 28), figure("total", 40))).findings
    assert finding.arithmetic == "$28/month + $28/month ÷ 7 = $32/month"
    assert (finding.found, finding.stated) == ("$32/month", "$40/month")
    assert finding.ratio == pytest.approx(0.8)
    assert finding.citations == (SECOND, FIRST)
    assert not finding.rests_on_assumption
    (finding,) = audit_plan(system(one, figure("items", 35, assumed=True), figure("total", 40))).findings
    assert finding.agrees
    assert finding.rests_on_assumption


def test_words_are_compared_by_a_reader() -> None:
    one = Audit("words", "Once or twice", "", Relation.EQUAL, "", 0.01, Grade.READING, "Twice.", (FIRST, SECOND))
    report = audit_plan(system(one, figure("items", 1), figure("total", 2)))
    (finding,) = report.graded(Grade.READING)
    assert finding.read
    assert finding.citations == (FIRST, SECOND)
    assert report.graded(None) == ()


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        ("figures.costs.itens", 'there is no figure "figures.costs.itens"; did you mean "figures.costs.items"?'),
        ("figures.costs.items * figures.costs.items / '1 s'", None),
        ("'1 s'", "compares seconds (1 s) with usd_per_month ($40/month)"),
    ],
)
def test_an_audit_that_cannot_be_calculated_is_a_mistake_of_the_file(compute: str, message: str | None) -> None:
    its = system(asked(Relation.EQUAL, compute=compute), figure("items", 1), figure("total", 40))
    if message is None:
        assert list(mistakes(its)) == []
        return
    assert list(mistakes(its)) == [("sum", message)]
    with pytest.raises(PlanError) as caught:
        audit_plan(its)
    assert caught.value.message == message
