"""Vectors T7, T8 and T10, and the table of least samples, of docs/methodology.md."""

from __future__ import annotations

import math

import pytest

from harness.analysis.intervals import (
    allowance,
    batches_needed,
    carried_over,
    cautious_mean,
    cautious_share,
    clopper_pearson,
    clopper_pearson_lower,
    clopper_pearson_upper,
    korn_graubard,
    mean_interval,
    minimum_n,
    still_needed,
    wilson,
)

T10 = tuple((bad, 300) for bad in (3, 5, 4, 6, 2, 30, 28, 5, 4, 3, 6, 5, 2, 4, 35, 5, 3, 4, 6, 5))


@pytest.mark.parametrize(
    ("bad", "n", "upper"),
    [(0, 6000, 4.991641e-4), (1, 6000, 7.903975e-4), (3, 6000, 1.291764e-3), (5, 10_000, 1.051014e-3)],
)
def test_one_sided_upper(bad, n, upper):
    assert clopper_pearson_upper(bad, n) == pytest.approx(upper, rel=1e-6)


def test_one_sided_lower():
    assert clopper_pearson_lower(3, 6000) == pytest.approx(1.362953e-4, rel=1e-6)
    assert clopper_pearson_lower(0, 6000) == 0
    assert clopper_pearson_upper(5, 5) == 1


def test_two_sided():
    assert clopper_pearson(3, 6000) == pytest.approx((1.031239e-4, 1.460510e-3), rel=1e-6)
    assert wilson(3, 6000) == pytest.approx((1.700594e-4, 1.469134e-3), rel=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("bad", "upper", "lower"),
    [(83, 0.00995392, None), (84, 0.01006274, None), (117, None, 0.00998757), (118, None, 0.01008009)],
)
def test_edges_of_a_p99_verdict(bad, upper, lower):
    """T8: of 10,000, 83 pass, 84 and 117 are inconclusive, 118 fail."""
    if upper is not None:
        assert clopper_pearson_upper(bad, 10_000) == pytest.approx(upper, abs=5e-9)
    if lower is not None:
        assert clopper_pearson_lower(bad, 10_000) == pytest.approx(lower, abs=5e-9)


def test_korn_graubard():
    seen = korn_graubard(T10)
    assert (seen.n, seen.bad, seen.share) == (6000, 165, pytest.approx(0.0275))
    assert seen.deff == pytest.approx(12.33113, rel=1e-6)
    assert seen.n_effective == pytest.approx(440.297, rel=1e-6)
    assert seen.lower == pytest.approx(0.0159881, rel=1e-5)
    assert seen.upper == pytest.approx(0.0440827, rel=1e-5)
    assert clopper_pearson_upper(165, 6000) == pytest.approx(0.0312313, rel=1e-5)


def test_korn_graubard_without_a_bad_one_states_a_design_effect_of_one():
    seen = korn_graubard([(0, 300)] * 20)
    assert (seen.deff, seen.n_effective) == (1, 6000)
    assert seen.upper == pytest.approx(4.991641e-4, rel=1e-6)


def test_korn_graubard_of_nothing_says_nothing():
    seen = korn_graubard([(0, 0), (0, 0)])
    assert (seen.n, seen.lower, seen.upper) == (0, 0, 1)


@pytest.mark.parametrize(
    ("allowed", "fewest"),
    [
        (0.0005, (5990, 9486, 15505, 33921)),
        (0.001, (2995, 4742, 7752, 16959)),
        (0.01, (299, 473, 773, 1693)),
        (0.05, (59, 93, 153, 336)),
    ],
)
def test_fewest_observations_for_a_claim(allowed, fewest):
    assert tuple(minimum_n(allowed, bad) for bad in (0, 1, 3, 10)) == fewest


def test_fewest_observations_needs_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        minimum_n(0)


def test_how_many_more_settle_it():
    seen = korn_graubard([(0, 10)] * 3)
    assert still_needed(seen, 0.05) == 29
    assert still_needed(korn_graubard([(5, 100)] * 10), 0.05) is None
    assert still_needed(seen, 0) is None


@pytest.mark.parametrize(("seconds", "factor"), [(1, 3), (3, 1.636364), (9, 1.173), (30, 1.0465), (math.inf, 1)])
def test_what_neighbouring_batches_do_not_show(seconds, factor):
    """(1 + φ)/(1 − φ) = 3 for batches of one second, and ever less for longer ones."""
    assert allowance(seconds) == pytest.approx(factor, rel=1e-3)


@pytest.mark.parametrize(
    ("deviations", "factor"),
    [
        ([], 1),
        ([0.0, 0.0], 1),
        ([1, -1, 1, -1], 1),  # each makes up for the one before
        ([1, 1, 1, 1, -1, -1, -1, -1], 3),  # never more than r = 0.5
        ([1, 0, -1, 0] * 2, 1.125 / 0.875),  # 0 and 1/8
    ],
)
def test_what_neighbouring_batches_show(deviations, factor):
    assert carried_over(deviations) == pytest.approx(factor)


SPREAD_OUT = tuple(T10[index] for index in (5, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19))
"""T10 with its bursts apart from each other: no batch is like the one before."""


def test_the_upper_bound_grants_a_higher_share_its_own_spread():
    plain, seen = korn_graubard(SPREAD_OUT), cautious_share(SPREAD_OUT)
    assert plain.deff == pytest.approx(12.33113, rel=1e-6)
    assert (seen.lower, seen.deff, seen.n_effective) == pytest.approx((plain.lower, plain.deff, plain.n_effective))
    # U solves U = BetaInv(.95; p·n(U) + 1, (1 − p)·n(U)) with n(U) = n_eff·deff ÷ deff(U).
    upper, share = seen.upper, seen.share
    spread = 1 + (seen.deff - 1) * math.sqrt(upper * (1 - upper) / (share * (1 - share)))
    worth = seen.n_effective * seen.deff / spread
    assert clopper_pearson_upper(share * worth, worth) == pytest.approx(upper, abs=1e-8)
    assert 0.0440827 < upper < 0.0512


def test_short_batches_tell_less():
    short, long = cautious_share(SPREAD_OUT, batch_seconds=3), cautious_share(SPREAD_OUT, batch_seconds=30)
    assert short.deff == pytest.approx(1 + (korn_graubard(T10).deff - 1) * 1.636364, rel=1e-6)
    assert short.lower < long.lower < long.upper < short.upper


def test_bursts_that_follow_each_other_tell_less():
    apart, in_a_row = cautious_share(SPREAD_OUT), cautious_share(sorted(T10))
    assert in_a_row.deff > 2 * apart.deff
    assert in_a_row.upper > apart.upper
    assert cautious_share(sorted(T10), batch_seconds=3).upper == in_a_row.upper  # more than what is granted anyway
    assert in_a_row.lower == pytest.approx(apart.lower)  # an outage proves itself


def test_a_mean_of_neighbours():
    plain, seen = mean_interval([4, 6, 4, 6, 4, 6]), cautious_mean([4, 6, 4, 6, 4, 6], 0.05, 3.0)
    assert plain is not None and seen is not None
    assert seen.upper - 5 == pytest.approx((plain.upper - 5) * 1.636364**0.5, rel=1e-6)
    rising, known = cautious_mean([1, 2, 3, 4, 5, 6, 7, 8], 0.05, 9.0), mean_interval([1, 2, 3, 4, 5, 6, 7, 8])
    assert rising is not None and known is not None
    assert rising.upper - 4.5 == pytest.approx((known.upper - 4.5) * 3**0.5, rel=1e-6)
    assert cautious_mean([1.0], 0.05, 3.0) is None


def test_what_does_not_come_together_needs_no_correction():
    even = [(3, 300)] * 20
    assert cautious_share(even, batch_seconds=3) == korn_graubard(even)
    assert cautious_share([(0, 300)] * 20, batch_seconds=3) == korn_graubard([(0, 300)] * 20)
    assert cautious_share([(300, 300)] * 2, batch_seconds=3).upper == 1
    assert cautious_share([(0, 10), (9, 10)] * 2, batch_seconds=3).upper <= 1


def test_mean_of_batches():
    seen = mean_interval([0.4, 0.5, 0.6])
    assert seen is not None
    assert seen.mean == pytest.approx(0.5)
    assert seen.upper == pytest.approx(0.5 + 2.919986 * 0.1 / 3**0.5, rel=1e-6)
    assert seen.lower == pytest.approx(0.5 - 2.919986 * 0.1 / 3**0.5, rel=1e-6)
    assert mean_interval([0.4]) is None


def test_more_batches_settle_a_mean():
    seen = mean_interval([0.4, 0.5, 0.6])
    assert seen is not None
    more = batches_needed(seen, 0.55)
    assert more is not None
    assert 5 < more < 15
    assert batches_needed(seen, 0.5) is None


def test_a_stricter_bound_takes_its_own_t_quantile():
    strict, usual = korn_graubard(T10, 0.05 / 41), korn_graubard(T10)
    assert usual.n_effective == pytest.approx(440.297, abs=1e-3)
    # z and t at 1 − 0.05/41 with 19 degrees of freedom are 3.03081 and 3.49204
    assert strict.n_effective == pytest.approx(6000 / 12.33113 * (3.03081 / 3.49204) ** 2, rel=1e-5)
    assert strict.lower < usual.lower
