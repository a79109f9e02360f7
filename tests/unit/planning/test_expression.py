"""Arithmetic over figures: values, ranges, units, and how it is written out."""

from __future__ import annotations

import pytest

from harness.model.figure import Citation, Figure, Provenance
from harness.model.units import Unit
from harness.planning.expression import comparable, evaluate, paths_in

PLACE = Citation("plan.md", "Load")
FIGURES = {
    "load.share": Figure("share", 0.15, Unit.RATIO, Provenance.STATED, PLACE),
    "load.people": Figure("people", 3300, Unit.COUNT, Provenance.STATED, PLACE),
    "load.peak": Figure("peak", 50, Unit.PER_SECOND, Provenance.STATED, PLACE, 80),
    "load.cores": Figure("cores", 2, Unit.CORES, Provenance.ASSUMED, PLACE, note="why not"),
    "load.a-day": Figure("a-day", 10_000, Unit.PER_DAY, Provenance.STATED, Citation("plan.md", "Days")),
    "load.files": Figure("files", 3e9, Unit.BYTES, Provenance.STATED, PLACE),
    "load.memory": Figure("memory", 4 * 1024**3, Unit.BYTES, Provenance.STATED, PLACE),
    "load.nothing": Figure("nothing", 0, Unit.COUNT, Provenance.STATED, PLACE),
}


def value(expression: str):
    return evaluate(expression, lambda path: FIGURES[path])


@pytest.mark.parametrize(
    ("expression", "low", "high", "unit", "text"),
    [
        ("load.share * load.people", 495, 495, Unit.COUNT, "15 % × 3,300"),
        ("load.share * (load.people + 300)", 540, 540, Unit.COUNT, "15 % × (3,300 + 300)"),
        ("1 + 2 * 3", 7, 7, Unit.COUNT, "1 + 2 × 3"),
        ("(1 + 2) * 3", 9, 9, Unit.COUNT, "(1 + 2) × 3"),
        ("10 - (3 - 2)", 9, 9, Unit.COUNT, "10 − (3 − 2)"),
        ("10 - 3 - 2", 5, 5, Unit.COUNT, "10 − 3 − 2"),
        ("12 / (3 / 2)", 8, 8, Unit.COUNT, "12 ÷ (3 ÷ 2)"),
        ("load.peak", 50, 80, Unit.PER_SECOND, "50/s–80/s"),
        ("load.peak.low", 50, 50, Unit.PER_SECOND, "50/s"),
        ("load.peak.high", 80, 80, Unit.PER_SECOND, "80/s"),
        ("load.peak / load.cores", 25, 40, None, "50/s–80/s ÷ 2 CPU"),
        ("100 / load.peak", 1.25, 2, None, "100 ÷ 50/s–80/s"),
        ("100 - load.peak / load.peak.low", 98.4, 99, Unit.COUNT, "100 − 50/s–80/s ÷ 50/s"),
        ("load.peak * '500 ms'", 25, 40, None, "50/s–80/s × 500 ms"),
        ("in_system(load.peak, '500 ms')", 25, 40, Unit.COUNT, "50/s–80/s × 500 ms"),
        ("per_second(load.a-day)", 10_000 / 86_400, 10_000 / 86_400, Unit.PER_SECOND, "10,000/day ÷ 86,400 s"),
        ("workers_for_cores(load.cores + load.cores)", 9, 9, Unit.COUNT, "2 × (2 CPU + 2 CPU) + 1"),
        ("load.files", 3e9, 3e9, Unit.BYTES, "3 GB"),
        ("load.memory", 4 * 1024**3, 4 * 1024**3, Unit.BYTES, "4 GiB"),
        ("3_000", 3000, 3000, Unit.COUNT, "3,000"),
    ],
)
def test_an_expression_has_a_value_a_unit_and_its_arithmetic(expression, low, high, unit, text) -> None:
    found = value(expression)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.unit, found.text) == (unit, text)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "ends too early"),
        ("1 +", "ends too early"),
        ("1 2", '"2" is one too many'),
        ("(1", r'a "\)" is missing'),
        ("* 2", r'"\*" stands where a number should'),
        ("1 ; 2", 'cannot read "; 2"'),
        ("twice(2)", 'no formula is called "twice"'),
        ("in_system(2)", "in_system takes 2 numbers: rate_per_second, seconds"),
        ("load.peak + load.people", "per_second and count cannot be added"),
        ("1 / load.nothing", "division by zero"),
        ("'80'", "has no unit"),
        ("cost_per_user(load.people, load.nothing)", "division by zero"),
    ],
)
def test_what_cannot_be_calculated_is_said_in_words(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        value(expression)


def test_a_large_fraction_is_written_out() -> None:
    assert value("100_000_000 / 86_400").shown(Unit.PER_SECOND) == "1,157/s"
    assert value("99.97 + 0").shown(Unit.COUNT) == "100"
    assert value("10_000 / 864").shown(Unit.PER_SECOND) == "11.6/s"


def test_a_value_knows_its_figures_and_what_they_rest_on() -> None:
    found = value("load.share * load.people + per_second(load.a-day) / per_second(load.a-day)")
    assert found.citations == (PLACE, Citation("plan.md", "Days"))
    assert not found.assumed
    assert value("2 * load.cores").assumed
    assert len(found.formulas) == 2
    assert "86,400" in found.formulas[0]


def test_the_paths_of_an_expression_are_read_even_when_it_is_wrong() -> None:
    assert list(paths_in("load.peak.high * (load.a-day + '24 h' / 3")) == ["load.peak", "load.a-day"]


def test_mere_numbers_and_like_units_can_be_compared() -> None:
    assert comparable(Unit.COUNT, Unit.RATIO)
    assert comparable(None, Unit.BYTES)
    assert comparable(Unit.BYTES, Unit.BYTES)
    assert not comparable(Unit.SECONDS, Unit.BYTES)
