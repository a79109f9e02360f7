"""Database statements from the application's histogram."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.exceedances import exceeded
from harness.analysis.judge import judge
from harness.analysis.observations import Times, Unobserved
from harness.analysis.slis import sli
from harness.model.figure import Citation, Figure, Provenance
from harness.model.samples import ServerSample
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome
from tests.support.evidence import START, make_evidence
from tests.support.rules import timed, with_rules

WHERE = Citation("plan.md", "Targets")
EDGES = (0.005, 0.05, 0.1, 0.2, 0.5)


def bound(seconds: float) -> Slo:
    limit = Figure("bound", seconds, Unit.SECONDS, Provenance.STATED, WHERE)
    return Slo(
        "query",
        "Query time",
        "query_seconds",
        SloKind.QUANTILE,
        Comparison.AT_MOST,
        None,
        limit,
        ("peak",),
        WHERE,
        0.95,
    )


def with_statements(slow: int, each: int = 1000, **knobs):
    """Every 5 s, so many statements of which ``slow`` took between 100 and 200 ms."""
    evidence = make_evidence(**knobs)
    fast = each - slow
    values = {"queries": float(each), "query_seconds_mean": 0.004}
    values |= {f"queries_within.{edge:g}": float(fast if edge <= 0.1 else each) for edge in EDGES}
    rows = tuple(
        ServerSample(START + second, "application", values, period_seconds=5.0)
        for second in range(0, int(evidence.plan.duration_seconds), 5)
    )
    return replace(evidence, servers=evidence.servers + rows)


def judged(evidence, slo):
    stage = replace(evidence.subject.stage, slos=(*evidence.subject.stage.slos, slo))
    found = judge(replace(evidence, subject=replace(evidence.subject, stage=stage))).cell("query", "peak")
    assert found is not None
    return found


def test_each_statement_of_the_phase_is_counted_once():
    evidence = with_statements(10)
    seen = sli("query_seconds").observe(evidence, evidence.plan.level("peak"))
    assert isinstance(seen, Times)
    assert sum(row.completed for batch in seen.batches for row in batch) == 6000


def test_without_a_histogram_nothing_is_seen():
    evidence = make_evidence()
    assert isinstance(sli("query_seconds").observe(evidence, evidence.plan.level("peak")), Unobserved)


@pytest.mark.parametrize(("slow", "seconds", "outcome"), [(10, 0.1, Outcome.PASS), (100, 0.1, Outcome.FAIL)])
def test_a_bound_on_the_edge_of_a_bucket_is_exact(slow, seconds, outcome):
    found = judged(with_statements(slow), bound(seconds))
    assert found.outcome is outcome
    assert "6,000 statements" in found.reason
    assert found.measurement is not None and "not counted exactly" not in found.measurement.method


def test_a_bound_inside_a_bucket_is_in_doubt():
    found = judged(with_statements(100), bound(0.15))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert judged(with_statements(10), bound(0.15)).outcome is Outcome.PASS
    evidence = with_statements(100)
    seen = sli("query_seconds").observe(evidence, evidence.plan.level("peak"))
    assert isinstance(seen, Times)
    assert exceeded(seen.batches[0][0], 0.15) == (0, 100)


def test_a_rule_over_statements():
    rule = timed(0.1, 20, sli="query_seconds", unit=Unit.SECONDS, quantile=0.95, name="query")
    found = judge(with_rules(with_statements(100), rule)).rule("query", "peak")
    assert found is not None and found.state == "fired"
    found = judge(with_rules(with_statements(10), rule)).rule("query", "peak")
    assert found is not None and found.state == "did not fire"
