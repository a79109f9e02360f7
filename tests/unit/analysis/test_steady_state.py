"""Vectors T12 and T13 of docs/methodology.md."""

from __future__ import annotations

import pytest

from harness.analysis.steady_state import backlog_grows, drifts, halves_agree, mser, mser_score, shifts, theil_sen

NOISE = [((7919 * i % 13) - 6) / 10 for i in range(200)]


def test_mser_without_batches():
    values = [9, 5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    assert mser(values, batch=1).drop == 2
    assert [mser_score(values, drop) for drop in range(3)] == pytest.approx([0.423032, 0.112697, 0.025], abs=5e-7)


def test_a_warm_up_is_dropped():
    values = [10 + 100 * 0.9**i + NOISE[i] for i in range(200)]
    found = mser(values)
    assert (found.drop, found.steady) == (65, True)
    kept = values[found.drop :]
    assert sum(kept) / len(kept) == pytest.approx(10.000453, abs=5e-7)
    assert sum(values) / len(values) == pytest.approx(14.995, abs=5e-4)


def test_a_step_is_dropped():
    assert mser([100 if i < 60 else 10 for i in range(200)]).drop == 60


def test_a_late_step_is_not_steady():
    found = mser([100 if i < 140 else 10 for i in range(200)])
    assert (found.unrestricted, found.steady) == (140, False)


def test_a_ramp_is_not_steady():
    found = mser([10 + 0.1 * i for i in range(200)])
    assert (found.drop, found.unrestricted, found.steady) == (100, 170, False)


def test_mser_needs_two_batches():
    with pytest.raises(ValueError, match="two batches"):
        mser([1.0] * 9)


def test_a_trend_is_the_median_slope():
    trend = theil_sen([0, 1, 2, 3, 4, 100])
    assert trend is not None
    assert trend.slope == 1
    assert trend.lower <= 1 <= trend.upper
    assert theil_sen([1, 2, 3]) is None


def test_a_growing_backlog():
    assert backlog_grows([2, 9, 14, 22, 28, 37, 40, 52, 58, 66], material_growth=10)
    assert not backlog_grows([2, 9, 14, 22, 28, 37, 40, 52, 58, 66], material_growth=100)
    assert not backlog_grows([5, 4, 6, 5, 4, 6, 5, 4, 6, 5], material_growth=0.1)
    assert not backlog_grows([66, 58, 52, 40, 37, 28, 22, 14, 9, 2], material_growth=10)


def test_a_drift_is_a_trend_either_way_that_matters():
    falling = [0.50, 0.46, 0.43, 0.41, 0.36, 0.33, 0.30, 0.28, 0.24, 0.21]
    assert drifts(falling, material_drift=0.025)
    assert not drifts(falling, material_drift=1)
    assert not drifts([0.3, 0.31, 0.29, 0.3, 0.31, 0.29, 0.3, 0.31, 0.29, 0.3], material_drift=0.001)


def test_halves():
    assert halves_agree([(3, 100), (4, 100)] * 10)
    assert not halves_agree([(0, 100), (1, 100)] * 5 + [(20, 100), (22, 100)] * 5)
    assert halves_agree([(0, 100)] * 20)
    assert halves_agree([(0, 100), (5, 100)])
    assert halves_agree([(0, 100), (1, 100)] * 5 + [(20, 100), (22, 100)] * 5, material_difference=0.25)


def test_a_disturbance_shifts_nothing_and_a_step_does():
    bump = [13 + (117 if 120 <= i < 125 else 0) + NOISE[i] for i in range(180)]
    assert not mser(bump).steady  # what MSER takes for the end of a warm-up
    assert not shifts(bump, mser(bump).unrestricted, material_shift=1)
    step = [100 if i < 140 else 10 for i in range(200)]
    assert shifts(step, 140, material_shift=25)
    assert not shifts(step, 140, material_shift=90)
    assert not shifts(step, 0, material_shift=1)
