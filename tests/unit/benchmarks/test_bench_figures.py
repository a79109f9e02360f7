"""Medians, ratios with their spread, claims, and the search for a rate: all of it pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures import (
    Claim,
    Figure,
    Outcome,
    Readings,
    figure_of,
    found,
    highest_held,
    next_rate,
    outcome,
    percentile,
    ratio_of,
)

RATIO = Claim("ours ÷ k6", "get", 2.0, 3.0, over="k6")
COST = Claim("recording", "recording", 2.0, 1.0, lower=True, unit="µs")
APART = Claim("apart", "agree", 2.0, 2.0, over="k6", lower=True, apart=True)


def test_a_figure_is_the_median_and_the_range():
    assert figure_of([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0, 3)
    assert figure_of([4.0, 1.0]) == Figure(2.5, 1.0, 4.0, 2)
    with pytest.raises(ValueError, match="no value"):
        figure_of([])


def test_a_ratio_is_that_of_the_medians_and_spreads_as_its_pairs():
    # Pairs: 10/5, 30/6, 20/20. The medians: 20 and 6.
    assert ratio_of([10.0, 30.0, 20.0], [5.0, 6.0, 20.0]) == Figure(20 / 6, 1.0, 5.0, 3)
    assert ratio_of([10.0, 20.0], [5.0]).runs == 1


@pytest.mark.parametrize(("ours", "theirs"), [([], [1.0]), ([1.0], []), ([1.0], [0.0]), ([1.0, 1.0], [0.0, 3.0])])
def test_nothing_is_compared_with_nothing(ours, theirs):
    with pytest.raises(ValueError, match="nothing to compare"):
        ratio_of(ours, theirs)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=1, max_size=9), st.floats(0.1, 10))
def test_a_ratio_does_not_depend_on_the_machine_s_speed(pairs, speed):
    ours, theirs = zip(*pairs, strict=True)
    slower = ratio_of([speed * each for each in ours], [speed * each for each in theirs])
    assert slower.middle == pytest.approx(ratio_of(ours, theirs).middle)


@pytest.mark.parametrize(
    ("middle", "expected"), [(1.99, Outcome.MISSED), (2.0, Outcome.REACHED), (2.99, Outcome.REACHED), (3, Outcome.AIM)]
)
def test_higher_is_better(middle, expected):
    assert outcome(RATIO, Figure(middle, 0, 9, 5)) == expected


@pytest.mark.parametrize(
    ("middle", "expected"), [(2.01, Outcome.MISSED), (2.0, Outcome.REACHED), (1.01, Outcome.REACHED), (1, Outcome.AIM)]
)
def test_lower_is_better(middle, expected):
    assert outcome(COST, Figure(middle, 0, 9, 5)) == expected


def test_what_was_not_measured_is_never_reached():
    assert outcome(RATIO, None) == Outcome.UNKNOWN
    assert found(RATIO, None) is None
    assert found(RATIO, Readings({"proofload": (3.0,)}, {"k6": "missing: go install"})) is None


def test_a_claim_finds_its_contestants():
    readings = Readings({"k6": (2.0, 2.0), "proofload": (5.0, 7.0)})
    assert found(RATIO, readings) == Figure(3.0, 2.5, 3.5, 2)
    assert found(COST, readings) == Figure(6.0, 5.0, 7.0, 2)


def test_how_far_apart_two_are_has_no_sign():
    low = found(APART, Readings({"proofload": (97.0, 98.0, 99.0), "k6": (100.0, 100.0, 100.0)}))
    assert low is not None and (low.middle, low.least, low.most) == pytest.approx((2.0, 1.0, 3.0))
    across = found(APART, Readings({"proofload": (99.0, 100.0, 103.0), "k6": (100.0, 100.0, 100.0)}))
    assert across is not None and (across.middle, across.least, across.most) == pytest.approx((0.0, 0.0, 3.0))


@given(st.floats(100, 100_000), st.floats(1.02, 1.5), st.floats(1.5, 3.0))
def test_the_search_ends_within_its_resolution_of_the_truth(capacity, resolution, stride):
    holds: dict[float, bool] = {}
    while (rate := next_rate(holds, 2000.0, resolution, stride)) is not None:
        assert rate not in holds and len(holds) < 60
        holds[rate] = rate <= capacity
    highest = highest_held(holds)
    assert highest <= capacity < highest * resolution * 1.0001


def test_a_search_that_nothing_satisfies_gives_up():
    holds: dict[float, bool] = {}
    while (rate := next_rate(holds, 2000.0, 1.1)) is not None:
        holds[rate] = False
    assert highest_held(holds) == 0 and len(holds) == 7


def test_a_rate_that_held_above_one_that_did_not_does_not_count():
    assert highest_held({1000: True, 2000: False, 4000: True}) == 1000


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_nearest_ranks(share, expected):
    assert percentile([float(each) for each in range(100, 0, -1)], share) == expected
