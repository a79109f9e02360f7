"""Vector T20 of docs/methodology.md."""

from __future__ import annotations

import pytest

from harness.analysis.rules import duration_rule, recovery_time, window_state

BAD, GOOD = False, True
OUTAGE = [GOOD] * 60 + [BAD] * 7 + [GOOD] * 3 + [BAD] * 2 + [GOOD] * 48


def test_three_minutes_of_bad_windows_fire():
    assert duration_rule([BAD] * 18, 18).fired_at == 17


def test_a_good_window_resets():
    assert duration_rule([BAD] * 17 + [GOOD] + [BAD] * 17, 18).fired_at is None


def test_an_unknown_window_neither_resets_nor_advances():
    rule = duration_rule([BAD] * 9 + [None] + [BAD] * 9, 18)
    assert (rule.fired_at, rule.conclusive) == (18, True)


def test_too_much_unknown_is_inconclusive():
    assert not duration_rule([GOOD] * 7 + [None] * 3, 18).conclusive
    assert not duration_rule([], 18).conclusive


@pytest.mark.parametrize(("consecutive", "seconds"), [(1, 7), (5, 12), (30, 12), (60, None)])
def test_recovery_time(consecutive, seconds):
    found = recovery_time(OUTAGE, 60, consecutive)
    assert found.seconds == seconds
    assert found.observed_seconds == 60


def test_availability():
    found = recovery_time(OUTAGE, 60, 30)
    assert 1 - found.bad_seconds / len(OUTAGE) == pytest.approx(0.925)


def test_no_bad_window_is_no_recovery_time():
    assert recovery_time([GOOD] * 100, 50, 30).seconds == 0


def test_a_late_blip_is_not_the_recovery_from_a_disturbance_that_lasted_until_the_start():
    good = [GOOD] * 40 + [BAD] + [GOOD] * 40
    assert recovery_time(good, 0, 30, disturbed_before=True).seconds == 0
    assert recovery_time(good, 0, 30).seconds == 41


def test_unknown_windows_do_not_prove_a_recovery():
    assert recovery_time([None] * 100, 0, 30, disturbed_before=True).seconds is None
    assert recovery_time([BAD, None] + [GOOD] * 30, 0, 30).seconds == 2


def test_the_state_of_a_window():
    assert window_state(5, 100, 0.05, 20) is True
    assert window_state(6, 100, 0.05, 20) is False
    assert window_state(0, 19, 0.05, 20) is None
