"""Rules with a duration, over all rows of windows."""

from __future__ import annotations

import math
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.rules import duration_rule
from harness.model.rule import LEAST_EVENTS, windowing

STATES = st.lists(st.sampled_from([True, False, None]), max_size=60)
CONSECUTIVE = st.integers(1, 20)


@given(STATES, CONSECUTIVE)
def test_it_fires_just_when_a_row_of_known_windows_is_long_enough(states, consecutive):
    known = [state for state in states if state is not None]
    longest = max((len(list(row)) for state, row in groupby(known) if state is False), default=0)
    assert (duration_rule(states, consecutive).fired_at is not None) == (longest >= consecutive)


@given(STATES, CONSECUTIVE)
def test_what_comes_after_the_firing_changes_nothing(states, consecutive):
    fired_at = duration_rule(states, consecutive).fired_at
    if fired_at is not None:
        assert states[fired_at] is False
        assert duration_rule(states[: fired_at + 1], consecutive).fired_at == fired_at
        assert duration_rule(states[:fired_at], consecutive).fired_at is None


@given(STATES, CONSECUTIVE, st.data())
def test_a_good_window_in_the_place_of_a_bad_one_never_makes_it_fire(states, consecutive, data):
    if duration_rule(states, consecutive).fired_at is None and states:
        at = data.draw(st.integers(0, len(states) - 1))
        better = [True if index == at else state for index, state in enumerate(states)]
        assert duration_rule(better, consecutive).fired_at is None


@given(STATES, CONSECUTIVE)
def test_not_seen_is_never_said_to_be_quiet(states, consecutive):
    found = duration_rule(states, consecutive)
    if found.fired_at is None and found.conclusive:
        assert sum(state is not None for state in states) >= 0.8 * len(states) > 0


@given(st.floats(0, 86_400), st.one_of(st.none(), st.floats(1e-4, 1e4)))
def test_windows_cover_the_duration_and_no_more_than_one_too_much(seconds, rate):
    cut = windowing(seconds, rate)
    assert cut.seconds >= seconds - 1e-6
    assert cut.window_seconds >= 10 and cut.window_seconds == math.floor(cut.window_seconds)
    assert cut.seconds < seconds + max(cut.window_seconds, cut.consecutive) + 1
    if rate is not None and cut.window_seconds > 10:
        assert rate * cut.window_seconds >= LEAST_EVENTS
