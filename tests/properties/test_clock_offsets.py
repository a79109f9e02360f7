"""Whatever the two ways take and whatever the other clock shows: the true offset is where it is said to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.loadgen.distributed.clocks import Exchange, MasterClock, offset_of

OFFSETS = st.floats(-1e6, 1e6)
DELAYS = st.floats(0, 5)
WAYS = st.lists(st.tuples(st.floats(0, 1e5), DELAYS, st.floats(0, 0.1), DELAYS), min_size=1, max_size=20)
ROUNDING = 1e-8
"""Of sums of readings up to a million seconds."""


def exchange(offset: float, sent: float, there: float, own: float, back: float) -> Exchange:
    """As two clocks would have read it."""
    received = sent + there + offset
    return Exchange(sent, received, received + own, sent + there + own + back)


@given(OFFSETS, WAYS)
def test_the_true_offset_lies_within_half_of_the_round_trip(offset, ways):
    found = offset_of(exchange(offset, *way) for way in ways)
    assert abs(found.seconds - offset) <= found.uncertainty_seconds + ROUNDING
    assert found.exchanges == len(ways)


@given(OFFSETS, WAYS)
def test_more_exchanges_never_know_less(offset, ways):
    exchanges = [exchange(offset, *way) for way in ways]
    uncertainties = [offset_of(exchanges[: count + 1]).uncertainty_seconds for count in range(len(exchanges))]
    assert uncertainties == sorted(uncertainties, reverse=True)


@given(OFFSETS, st.floats(0, 1e6))
def test_there_and_back_is_the_same_time(offset, at):
    clock = MasterClock(offset, 0.0)
    assert abs(clock.there(clock.here(at)) - at) <= ROUNDING
