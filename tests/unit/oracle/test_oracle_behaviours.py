"""Servers whose fates are known at the arrival, on made-up time."""

from __future__ import annotations

from itertools import groupby
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.oracle.behaviours import Bounded, Bursts, Errors, Leak, Mdc, Mmc, Stall, Tail
from harness.oracle.kinds import KINDS, kind_named
from harness.oracle.options import given as given_values
from harness.oracle.options import options_of
from harness.oracle.stations import Station


def poisson(rate: float, number: int, seed: int = 1) -> list[float]:
    random, now, times = Random(seed), 100.0, []
    for _ in range(number):
        now += random.expovariate(rate)
        times.append(now)
    return times


def fates(parameters, arrivals, seed=7):
    behaviour = parameters.behaviour(Random(seed))
    return [behaviour(arrival) for arrival in arrivals]


def test_two_servers_take_turns():
    station = Station(2)
    found = [station.take(arrival, 10.0) for arrival in (0, 1, 2, 3, 30)]
    assert [(fate.start_seconds, fate.end_seconds) for fate in found] == [
        (0, 10),
        (1, 11),
        (10, 20),
        (11, 21),
        (30, 40),
    ]
    assert station.waiting(30) == 0


def test_who_waits_is_counted():
    station = Station(1)
    for arrival in (0, 1, 2):
        station.take(arrival, 10.0)
    assert [station.waiting(at) for at in (2, 9.9, 10, 20)] == [2, 2, 1, 0]
    assert not station.is_full(9, 3) or station.waiting(9) >= 3


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, 5)), min_size=1, max_size=60),
)
def test_never_more_in_service_than_servers_and_never_idle_with_a_line(servers, steps):
    station, now, rows = Station(servers), 0.0, []
    for gap, service in steps:
        now += gap
        rows.append((now, station.take(now, service)))
    starts = [fate.start_seconds for _, fate in rows]
    assert starts == sorted(starts)
    for arrival, fate in rows:
        busy = sum(other.start_seconds <= fate.start_seconds < other.end_seconds for _, other in rows)
        assert busy <= servers
        if fate.start_seconds > arrival:  # who waited starts at the very moment that somebody leaves
            assert any(other.end_seconds == fate.start_seconds for _, other in rows)


@pytest.mark.parametrize(("servers", "expected"), [(1, 0.050), (2, 0.0222222), (4, 0.0134)])
def test_mmc_waits_as_erlang_says(servers, expected):
    """Mean time in the system of M/M/1: s ÷ (1 − ρ); of M/M/2: s ÷ (1 − ρ²); of M/M/4 at ρ = 0.7: 1.357 s."""
    load = {1: 0.8, 2: 0.741620, 4: 0.7}[servers]
    arrivals = poisson(load * servers / 0.010, 60_000)
    found = fates(Mmc(servers, 0.010), arrivals)
    assert mean(f.service_seconds for f in found) == pytest.approx(0.010, rel=0.02)
    response = mean(fate.end_seconds - arrival for fate, arrival in zip(found, arrivals, strict=True))
    assert response == pytest.approx(expected, rel=0.08)


def test_md1_waits_half_as_long_as_mm1():
    """Pollaczek–Khinchine: the mean wait of M/D/1 is ρ·s ÷ 2(1 − ρ)."""
    arrivals = poisson(80, 60_000)
    waits = [f.start_seconds - a for f, a in zip(fates(Mdc(1, 0.010), arrivals), arrivals, strict=True)]
    assert mean(waits) == pytest.approx(0.8 * 0.010 / (2 * 0.2), rel=0.08)


def test_the_same_seed_serves_the_same():
    arrivals = poisson(100, 50)
    assert fates(Mmc(), arrivals, seed=3) == fates(Mmc(), arrivals, seed=3) != fates(Mmc(), arrivals, seed=4)


def test_a_full_line_turns_away_as_erlang_says():
    """M/M/1/K with K − 1 = 2 places in line at ρ = 1: all K + 1 states are equally likely, so 1 ÷ 4 is rejected."""
    found = fates(Bounded(1, 0.010, line=2), poisson(100, 60_000))
    assert mean(fate.status == 503 for fate in found) == pytest.approx(0.25, rel=0.05)
    rejected = next(fate for fate in found if fate.status == 503)
    assert rejected.service_seconds == 0
    assert [fate.status for fate in fates(Bounded(1, 0.01, line=0), [0.0, 0.0])] == [200, 503]  # Erlang's loss system


def test_a_stall_begins_one_period_after_the_first_request():
    found = fates(
        Stall(every_seconds=10, stall_seconds=2, service_seconds=0.1), [5.0, 14.85, 14.95, 16.8, 16.95, 24.99]
    )
    assert [fate.end_seconds for fate in found] == pytest.approx([5.1, 14.95, 17, 17, 17.05, 27])


def test_errors_are_spread_or_in_bursts():
    arrivals = [float(number) for number in range(40_000)]
    spread = [fate.status == 500 for fate in fates(Errors(share=0.2), arrivals)]
    bursts = [fate.status == 500 for fate in fates(Bursts(enter=0.025, leave=0.1), arrivals)]
    assert mean(spread) == pytest.approx(0.2, rel=0.05)
    assert mean(bursts) == pytest.approx(Bursts(enter=0.025, leave=0.1).share, rel=0.1) == pytest.approx(0.2, rel=0.1)
    lengths = {
        name: mean(len(list(run)) for bad, run in groupby(errors) if bad)
        for name, errors in (("spread", spread), ("bursts", bursts))
    }
    assert lengths["spread"] == pytest.approx(1.25, rel=0.05)  # geometric: 1 ÷ (1 − 0.2)
    assert lengths["bursts"] == pytest.approx(10, rel=0.1)


def test_a_tail_has_its_share():
    found = fates(Tail(share=0.02, slow_seconds=3, service_seconds=0.01), [float(n) for n in range(20_000)])
    assert {round(fate.service_seconds, 6) for fate in found} == {0.01, 3.0}
    assert mean(fate.service_seconds > 1 for fate in found) == pytest.approx(0.02, rel=0.15)


def test_a_leak_ends_at_its_limit():
    found = fates(Leak(bytes_each=40, limit_bytes=100), [1.0, 2.0, 3.0, 4.0])
    assert [fate.keep_bytes for fate in found] == [40, 40, 20, 0]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Mmc, {"servers": 0}),
        (Mdc, {"service_seconds": 0.0}),
        (Bounded, {"line": -1}),
        (Stall, {"every_seconds": 1.0, "stall_seconds": 1.0}),
        (Leak, {"limit_bytes": 3_000_000_000}),
        (Errors, {"share": 1.1}),
        (Bursts, {"leave": 0.0}),
        (Tail, {"share": -0.1}),
        (kind_named("usl").parameters, {"contention": -0.1}),
        (kind_named("jobs").parameters, {"workers": 0}),
        (kind_named("chat").parameters, {"lost": 0.6, "duplicated": 0.6}),
    ],
)
def test_what_no_server_can_be(kind, wrong):
    with pytest.raises(ValueError, match=r"\w"):
        kind(**wrong)


def test_every_kind_has_a_name_of_its_own_and_says_what_its_parameters_are():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) == 11
    for kind in KINDS:
        flags = [option.flag for _, option in options_of(kind.parameters)]
        assert len(set(flags)) == len(flags) > 0
        kind.parameters()  # the defaults are possible
    with pytest.raises(KeyError):
        kind_named("mm1")


def test_milliseconds_become_seconds_and_counts_stay_whole():
    values = given_values(Mmc, {"servers": 3, "service_seconds": 20.0})
    assert values == {"servers": 3, "service_seconds": 0.02}
    assert isinstance(values["servers"], int)
