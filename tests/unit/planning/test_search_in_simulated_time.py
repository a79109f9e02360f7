"""A few of the searches whose hundreds make docs/accuracy.md: python -m tests.accuracy.capacity_search."""

from __future__ import annotations

import math
from random import Random

import pytest

from harness.model.capacity import Trial, TrialPurpose
from harness.model.verdict import Outcome
from tests.accuracy.capacity_search import SCENARIOS, Found, find, line, run, simulate


def scenario(name):
    return next(each for each in SCENARIOS if each.name == name)


@pytest.mark.parametrize("name", ["M/M/1, p90", "M/M/2, p95", "M/M/8, p90", "M/D/8, p95"])
def test_a_search_in_simulated_time_finds_the_exact_capacity(name):
    found = [find(scenario(name), seed) for seed in (1, 2)]
    for each in found:
        assert each.complete and each.confirmed
        assert each.lower < each.middle < each.upper
        assert each.middle == pytest.approx(1, abs=0.08)
    shown = line(scenario(name), found)
    assert shown.within_5_percent >= 0.5 and shown.contains_truth >= 0.5


def test_far_from_the_capacity_a_trial_is_decided():
    each = scenario("M/M/2, p90")
    for factor, outcome in ((0.8, Outcome.PASS), (1.2, Outcome.FAIL), (3, Outcome.FAIL)):
        trial = Trial(1, TrialPurpose.RAMP, factor * each.capacity_per_second, 20)
        result = simulate(each, trial, Random(1))
        assert result.outcome is outcome
        assert result.n == pytest.approx(trial.rate_per_second * 20, abs=2)
        assert result.offered_per_second == pytest.approx(trial.rate_per_second, rel=0.001)
    assert simulate(each, trial, Random(1)) == result


def test_no_bracket_is_no_success():
    found = [Found(0.95, None, False, False, 5, 100, ""), Found(0.97, 1.04, True, True, 9, 300, "")]
    shown = line(scenario("M/M/2, p90"), found)
    assert shown.within_5_percent == shown.contains_truth == 0.5
    assert shown.worst_error == math.inf
    assert shown.median_width == pytest.approx(1.04 / 0.97 - 1)


def test_the_table():
    found = run(2, [scenario("M/D/1, p95")])
    (only,) = found.rows
    assert only.cells[:2] == ("M/D/1, p95", f"{scenario('M/D/1, p95').capacity_per_second:.1f}/s")
    assert len(only.cells) == len(found.columns)
    assert only.reached is (min(found.figures.values()) >= 0.9)
