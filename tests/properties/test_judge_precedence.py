from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.decide import decide
from harness.analysis.judge import run_outcome
from harness.analysis.observations import Gauge, Shares
from harness.model.figure import Citation, Figure, Provenance
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome, Severity, Verdict

WHERE = Citation("plan.md", "Alerts")
CELL = Verdict(Outcome.PASS, Severity.NONE, "x", "X", "peak", None, "", None, "", WHERE)
cells = st.builds(
    lambda outcome, proven: replace(CELL, outcome=outcome, proven=proven and outcome is Outcome.FAIL),
    st.sampled_from(Outcome),
    st.booleans(),
)
several = st.lists(cells, min_size=1, max_size=12)
BETTER = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.INVALID, Outcome.FAIL]


def figure(value):
    return Figure("bound", value, Unit.RATIO, Provenance.STATED, WHERE)


def proportion(warning, critical):
    return Slo(
        "x", "X", "x", SloKind.PROPORTION, Comparison.AT_MOST, figure(warning), figure(critical), ("peak",), WHERE
    )


@given(several, st.randoms())
def test_the_order_of_the_rows_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    assert run_outcome(found) is run_outcome(shuffled)


@given(several, cells)
def test_another_row_never_makes_a_run_better(found, more):
    assert BETTER.index(run_outcome([*found, more])) >= BETTER.index(run_outcome(found))


@given(several)
def test_only_rows_that_all_pass_make_a_pass(found):
    assert (run_outcome(found) is Outcome.PASS) == all(cell.outcome is Outcome.PASS for cell in found)


@given(several)
def test_only_a_proven_fail_makes_a_fail(found):
    proven = any(cell.outcome is Outcome.FAIL and cell.proven for cell in found)
    assert (run_outcome(found) is Outcome.FAIL) == proven
    assert (run_outcome(found, "Ctrl-C") is Outcome.FAIL) == proven


@given(several)
def test_a_run_that_was_cut_short_never_passes(found):
    assert run_outcome(found, "Ctrl-C") in (Outcome.FAIL, Outcome.INCONCLUSIVE)


@given(several)
def test_a_run_that_lost_its_generator_is_invalid_unless_a_fail_was_proven_before(found):
    assert run_outcome(found, "at 83 s", "the generator was lost") in (Outcome.FAIL, Outcome.INVALID)
    assert (run_outcome(found, "at 83 s", "lost") is Outcome.FAIL) == (run_outcome(found) is Outcome.FAIL)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(20, 60)), min_size=2, max_size=12),
    st.floats(0.01, 0.4),
    st.floats(0.41, 0.9),
    st.integers(1, 50),
)
def test_a_share_is_never_passed_and_failed_and_more_cells_never_prove_more(batches, warning, critical, number):
    slo = proportion(warning, critical)
    seen = Shares(tuple(batches), "requests")
    one, many = decide(slo, seen), decide(slo, seen, number)
    assert one.outcome is many.outcome
    assert one.proven or not many.proven
    assert (one.severity is Severity.CRITICAL) == (one.outcome is Outcome.FAIL)


@given(st.lists(st.integers(0, 10), min_size=2, max_size=12), st.floats(0.05, 0.5))
def test_a_stricter_bound_never_turns_a_fail_into_a_pass(bad, bound):
    seen = Shares(tuple((count, 40) for count in bad), "requests")
    loose, strict = decide(proportion(bound, bound), seen), decide(proportion(bound / 2, bound / 2), seen)
    if loose.outcome is Outcome.FAIL:
        assert strict.outcome is Outcome.FAIL
    if strict.outcome is Outcome.PASS:
        assert loose.outcome is Outcome.PASS


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.11, 1))
def test_a_gauge_with_too_many_gaps_says_nothing(means, gap):
    seen = Gauge(tuple(means), 30, min(means), max(means), gap, 3.0)
    slo = replace(proportion(0.3, 0.6), kind=SloKind.GAUGE)
    assert decide(slo, seen).outcome is Outcome.INCONCLUSIVE
