"""Vectors T1, T2, T11 and T18 of docs/methodology.md on the real schedule, the recorder's rows and the judge."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from scipy import stats

from harness.analysis import histogram
from harness.analysis.decide import decide
from harness.analysis.intervals import allowance, carried_over
from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import Arrivals
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome
from harness.oracle.simulation import arrive, observe, plateau, record, respond

FROZEN = ((100.0, 200.0),)
EDGE = 0.0079
"""How far a bucket's upper edge may lie above a time."""


def answered(seconds, servers):
    """100 even arrivals a second at a server of 1 ms that stands still from 100 s to 200 s: its rows."""
    starts = arrive(plateau(100, seconds, 10), Random(1), Arrivals.CONSTANT)
    responses = respond(starts, np.full(len(starts), 0.001), servers, FROZEN)
    return starts, responses, record(starts, responses, (1.0,))


def test_t1_whoever_comes_while_it_stands_still_waits_for_its_end():
    starts, responses, rows = answered(200, 20_000)
    assert len(starts) == 20_000
    seen = histogram.merge(row.response for row in rows)
    for share, seconds in ((0.75, 50.001), (0.99, 98.001), (0.9999, 99.981)):
        # The schedule's first arrival is at 10 ms, the vector's at 0: each waits 10 ms less.
        assert histogram.quantile(seen, share) == pytest.approx(seconds, rel=EDGE, abs=0.011)
    assert float(responses.mean()) == pytest.approx(25.0035, abs=0.011)


def test_t2_one_server_that_has_to_catch_up():
    starts, responses, rows = answered(300, 1)
    assert len(starts) == 30_000
    exact = np.sort(responses)
    for share, seconds in ((0.5, 0.001), (0.9, 73.001), (0.95, 86.501), (0.99, 97.301)):
        assert exact[math.ceil(share * 30_000) - 1] == pytest.approx(seconds, abs=0.011)
    assert np.count_nonzero(responses > 1) == pytest.approx(11_001, abs=1)
    where = Citation("plan.md", "Alerts")
    bound = Figure("bound", 1.0, Unit.SECONDS, Provenance.STATED, where)
    slo = Slo("p99", "p99", "x", SloKind.QUANTILE, Comparison.AT_MOST, None, bound, ("peak",), where, 0.99)
    ruling = decide(slo, observe(rows, range(300), 15.0))
    assert ruling.outcome is Outcome.FAIL
    assert ruling.measurement is not None
    assert ruling.measurement.bad == np.count_nonzero(responses > 1)
    assert ruling.measurement.value == pytest.approx(97.301, rel=EDGE)


@pytest.mark.parametrize(("phi", "factor", "worth"), [(0.5, 3, 600), (0.8, 9, 200)])
def test_t11_what_correlated_seconds_are_worth(phi, factor, worth):
    """The mean of 1,800 seconds of AR(1) varies like that of 600, and of 200, independent ones."""
    rng = np.random.default_rng(11)
    runs, n = 1500, 1800
    state = rng.standard_normal(runs)
    total = state.copy()
    for _ in range(n - 1):
        state = phi * state + math.sqrt(1 - phi * phi) * rng.standard_normal(runs)
        total += state
    assert float((total / n).var() * n) == pytest.approx(factor, rel=0.1)
    assert n / factor == worth


def test_t11_is_what_the_judge_allows_for():
    assert allowance(1.0) == pytest.approx(3)  # φ = 0.5, batches of one second
    rng = np.random.default_rng(5)
    series = [rng.standard_normal()]
    for _ in range(20_000):
        series.append(0.5 * series[-1] + math.sqrt(0.75) * rng.standard_normal())
    assert carried_over(series) == pytest.approx(3, rel=0.05)


def test_t18_gaps_of_the_real_schedule_are_exponential():
    """Anderson–Darling with a known mean: below 2.492 in 95 of 100 samples."""
    rejected = 0
    for seed in range(100):
        starts = arrive(plateau(20, 100, 10), Random(seed))
        scaled = np.sort([-math.expm1(-(after - before) * 20) for before, after in pairwise(starts.tolist())])
        n = len(scaled)
        ranks = np.arange(1, n + 1)
        statistic = -n - float(((2 * ranks - 1) * (np.log(scaled) + np.log1p(-scaled[::-1]))).mean())
        rejected += statistic > 2.492
    assert rejected <= 11
    even = arrive(plateau(20, 100, 10), Random(1), Arrivals.CONSTANT)
    assert stats.kstest(np.diff(even) * 20, "expon").pvalue < 1e-6
