"""Arrival times: the vectors of methodology §11, exact counts, and gaps that are exponential."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import (
    Arrivals,
    Held,
    Level,
    LevelName,
    LoadPlan,
    Phase,
    PhaseName,
    Segment,
    Stream,
)
from harness.model.units import Unit
from harness.planning.schedule import arrival_times, held_changes, inverse_integral, schedule

RAMP = Segment(0, 60, 10, 30)


def times(segments, arrivals=Arrivals.POISSON, seed=7):
    return list(arrival_times(segments, arrivals, Random(seed)))


def plan(*streams, seed=7):
    figure = Figure("rate", 1, Unit.PER_SECOND, Provenance.STATED, Citation("d", "s"))
    level = Level(LevelName.NORMAL, figure, figure, 0, 0, 0, (Phase(PhaseName.MEASURE, 0, 100),))
    return LoadPlan(
        system="s",
        stage="A",
        profile="smoke",
        seed=seed,
        arrivals=Arrivals.POISSON,
        levels=(level,),
        flows=(),
        streams=streams,
        held=Held(()),
        thresholds_seconds=(),
        room_size=1,
        think_seconds=(0, 0),
        request_timeout_seconds=1,
        job_timeout_seconds=1,
        max_in_flight=1,
        max_waiting=1,
        recovery_bound_seconds=1,
        batch_seconds=1,
    )


def test_vector_t3_a_constant_ramp():
    found = times([RAMP], Arrivals.CONSTANT)
    assert len(found) == 1200
    assert found[0] == pytest.approx(0.0998339, abs=5e-8)
    assert found[599] == pytest.approx(37.0820393, abs=5e-8)
    assert found[1199] == pytest.approx(60.0, abs=1e-9)


def test_a_constant_plateau_is_evenly_spaced():
    assert times([Segment(5, 7, 4, 4)], Arrivals.CONSTANT) == pytest.approx([5.25, 5.5, 5.75, 6, 6.25, 6.5, 6.75, 7])


def test_a_falling_ramp_is_the_mirror_of_a_rising_one():
    falling = Segment(0, 60, 30, 10)
    assert inverse_integral(falling, 1200) == pytest.approx(60)
    assert 60 - inverse_integral(falling, 600) == pytest.approx(inverse_integral(RAMP, 600))


def test_a_ramp_from_or_to_nothing():
    assert inverse_integral(Segment(0, 10, 0, 2), 10) == pytest.approx(10)
    assert inverse_integral(Segment(0, 10, 2, 0), 10) == pytest.approx(10)
    assert inverse_integral(Segment(0, 10, 0, 2), 2.5) == pytest.approx(5)
    assert inverse_integral(Segment(0, 10, 0, 0), 0) == 0
    assert times([Segment(0, 10, 0, 0)]) == []


def test_fractions_are_carried_from_segment_to_segment():
    thirds = [Segment(start, start + 1, 1 / 3, 1 / 3) for start in range(300)]
    assert len(times(thirds)) == len(times(thirds, Arrivals.CONSTANT)) == 100


def test_a_rate_of_a_few_a_day_still_gives_its_arrivals():
    """0.001 uploads a second over an hour: the fourth segment is not robbed by rounding in the first three."""
    quarters = [Segment(900 * i, 900 * (i + 1), 0.001, 0.001) for i in range(4)]
    assert len(times(quarters)) == 4


def test_poisson_gaps_are_exponential():
    """Anderson–Darling against the exponential on a constant rate (T18: 1 % critical value 1.957)."""
    found = times([Segment(0, 200, 10, 10)], seed=11)
    gaps = [after - before for before, after in zip([0.0, *found], found, strict=False)]
    assert anderson_darling_exponential(gaps) < 1.957
    # A test that can fail: even spacing is rejected, at T18's value for 100 equal gaps.
    assert anderson_darling_exponential([1.0] * 100) == pytest.approx(45.8675, abs=1e-3)
    # The rest of T18: the exponential's own quantiles fit as well as can be, an even spread does not.
    middles = [(i - 0.5) / 100 for i in range(1, 101)]
    assert anderson_darling_exponential([-math.log(1 - each) for each in middles]) == pytest.approx(0.011982, abs=1e-6)
    assert anderson_darling_exponential([2 * each for each in middles]) == pytest.approx(5.86995, abs=1e-5)
    # And the times within the segment are uniform, as given their count they must be.
    assert stats.kstest(found, "uniform", args=(0, 200)).pvalue > 0.01


def anderson_darling_exponential(values):
    mean = sum(values) / len(values)
    ordered = [-math.expm1(-value / mean) for value in sorted(values)]
    n = len(ordered)
    return -n - sum((2 * i - 1) / n * (math.log(ordered[i - 1]) + math.log1p(-ordered[n - i])) for i in range(1, n + 1))


def test_a_poisson_ramp_follows_the_ramp():
    found = times([Segment(0, 100, 0, 100)], seed=3)
    assert len(found) == 5000
    # Λ(50)/Λ(100) = 1/4, and the standard deviation of that count is √(5000·1/4·3/4) ≈ 31.
    assert sum(time < 50 for time in found) == pytest.approx(1250, abs=100)


def test_the_same_seed_gives_the_same_arrivals_and_flows_differ():
    one = Stream("a", (Segment(0, 10, 5, 5),))
    other = Stream("b", (Segment(0, 10, 5, 5),))
    first, again = list(schedule(plan(one, other))), list(schedule(plan(one, other)))
    assert first == again != list(schedule(plan(one, other, seed=8)))
    assert [a.seconds for a in first if a.flow == "a"] != [a.seconds for a in first if a.flow == "b"]
    # Another flow beside it changes nothing about a flow's own arrivals.
    assert [a for a in first if a.flow == "a"] == list(schedule(plan(one)))


def test_streams_are_merged_and_probes_are_marked():
    stream = Stream("uploads", (Segment(0, 10, 1, 1),), (7.5, 2.5))
    found = list(schedule(plan(stream, Stream("students", (Segment(0, 10, 3, 3),)))))
    assert [a.seconds for a in found] == sorted(a.seconds for a in found)
    assert Counter((a.flow, a.probe) for a in found) == {
        ("uploads", False): 10,
        ("uploads", True): 2,
        ("students", False): 30,
    }
    assert [(a.seconds, a.number) for a in found if a.probe] == [(2.5, 1), (7.5, 2)]
    assert [a.number for a in found if a.flow == "students"] == list(range(1, 31))
    assert next(a for a in found if a.probe).second == 2


def test_held_sockets_follow_the_curve():
    changes = list(held_changes(Held(((0, 2), (4, 6), (10, 6), (12, 5)))))
    assert changes == [(0, 1), (0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (12, -1)]
    assert list(held_changes(Held(()))) == []


segments = st.lists(
    st.tuples(
        st.floats(0.1, 20),
        st.floats(0, 40),
        st.floats(0, 40),
    ),
    min_size=1,
    max_size=5,
).map(
    lambda parts: [
        Segment(sum(p[0] for p in parts[:i]), sum(p[0] for p in parts[: i + 1]), part[1], part[2])
        for i, part in enumerate(parts)
    ]
)


@given(segments, st.sampled_from(Arrivals), st.integers())
def test_arrivals_are_sorted_within_their_segments_and_as_many_as_planned(parts, arrivals, seed):
    found = times(parts, arrivals, seed)
    assert found == sorted(found)
    planned = 0.0
    expected = 0
    for part in parts:
        planned += part.expected_arrivals
        upto = math.floor(planned + (0.5 if arrivals is Arrivals.POISSON else 0.0) + 1e-9)
        inside = found[expected:upto]
        assert all(part.start_seconds - 1e-9 <= time <= part.end_seconds + 1e-9 for time in inside)
        expected = upto
    assert len(found) == expected
