"""Connecting again: how long to wait, and what is recorded."""

from __future__ import annotations

from random import Random

import pytest

from harness.loadgen.socketio.backoff import Backoff, stay


class Middle(Random):
    """Always the middle of a range."""

    def uniform(self, a, b):
        return (a + b) / 2


def test_the_wait_doubles_up_to_the_cap():
    waits = [Backoff().seconds(attempt, Middle()) for attempt in (0, 1, 2, 3, 4, 5, 6, 1_000_000)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]


def test_jitter_spreads_evenly_and_is_the_seeds():
    waits = [Backoff().seconds(1, Random(seed)) for seed in range(500)]
    assert all(0.5 <= wait <= 1.5 for wait in waits)
    assert min(waits) < 0.52 and max(waits) > 1.48 and 0.97 < sum(waits) / 500 < 1.03
    assert waits == [Backoff().seconds(1, Random(seed)) for seed in range(500)]


@pytest.mark.parametrize(
    ("lives", "waits"),
    [
        ([True], []),
        ([True, True, True], [0.5, 0.5]),
        ([False, False, False, True, False], [0.5, 1.0, 2.0, 0.5]),
    ],
)
def test_a_life_that_held_begins_the_backoff_anew_and_each_reconnect_is_recorded(lives, waits):
    left, recorded, slept = list(lives), [], []
    stay(
        lambda: left.pop(0),
        lambda: not left,
        backoff=Backoff(),
        random=Middle,
        record=recorded.append,
        sleep=slept.append,
    )
    assert recorded == slept == waits


def test_what_is_over_before_it_began_is_never_lived():
    stay(
        lambda: pytest.fail("lived"),
        lambda: True,
        backoff=Backoff(),
        random=Random,
        record=pytest.fail,
        sleep=pytest.fail,
    )
