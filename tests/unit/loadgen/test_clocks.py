"""Another host's clock: how far it is off ours, and rows told by ours."""

from __future__ import annotations

import pytest

from harness.loadgen.distributed.clocks import Exchange, MasterClock, Offset, offset_of
from harness.model.samples import AcknowledgedWrite, Distribution, Event, GeneratorSample, JobEvent, RequestRow

NONE = Distribution({}, 0, 0.0, 0.0)


def test_equal_ways_give_the_offset_itself() -> None:
    exchange = Exchange(sent=100.0, received=1100.010, answered=1100.012, heard=100.022)
    assert exchange.round_trip_seconds == pytest.approx(0.020)
    found = offset_of([exchange])
    assert (found.seconds, found.uncertainty_seconds, found.exchanges) == (
        pytest.approx(1000.0),
        pytest.approx(0.010),
        1,
    )


def test_the_exchange_that_nothing_held_up_counts() -> None:
    quick = Exchange(10.0, 5.001, 5.001, 10.002)
    held_up = Exchange(11.0, 6.5, 6.5, 11.501)
    found = offset_of([held_up, quick, held_up])
    assert found.seconds == pytest.approx(-5.0)
    assert found.uncertainty_seconds == pytest.approx(0.001)
    assert found.exchanges == 3


def test_nothing_measured_is_no_offset() -> None:
    with pytest.raises(ValueError):
        offset_of([])


def test_a_shared_clock_changes_nothing_at_all() -> None:
    row = Event(1.0000000001, 2.0, "x")
    assert MasterClock().translated(row) is row
    assert MasterClock().here(3.3) == MasterClock().there(3.3) == 3.3
    assert Offset() == Offset(0.0, 0.0, 0)


def test_rows_are_told_by_the_masters_clock() -> None:
    clock = MasterClock(offset_seconds=1000.0, wall_seconds=1_700_000_000.0)
    assert clock.here(5.0) == 1005.0
    assert clock.translated(Event(1005.0, 99.0, "x", {"a": 1})) == Event(5.0, 1_700_000_005.0, "x", {"a": 1})
    assert clock.translated(AcknowledgedWrite(1005.0, "i", "lesson")) == AcknowledgedWrite(5.0, "i", "lesson")
    assert clock.translated(JobEvent(1006.0, "i", "sent", {"b": 2})) == JobEvent(6.0, "i", "sent", {"b": 2})
    sample = GeneratorSample(1007.0, "w", *([0.5] * 5), *([0] * 12), 0.0, 0.0, 0, 0)
    told = clock.translated(sample)
    assert isinstance(told, GeneratorSample)
    assert (told.monotonic_seconds, told.cpu_ratio) == (7.0, 0.5)


def test_rows_of_requests_count_from_the_beginning_of_the_load_on_every_clock() -> None:
    row = RequestRow(3, "GET /", "f", "http", 0, 0, 0, 0, NONE, NONE, {})
    assert MasterClock(1000.0, 0.0).translated(row) is row
