"""The server of the Universal Scalability Law, on made-up time."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from harness.oracle.sharing import SharedServer, Usl

LAW = Usl(alone_per_second=100, contention=0.05, coherency=0.01)


def closed(law: Usl, clients: int, requests: int) -> float:
    """Throughput with that many always there."""
    server, key = SharedServer(law), clients
    for each in range(clients):
        server.arrive(each, 0.0)
    now = 0.0
    while key < requests:
        now = server.next_end()
        for _ in server.finish(now):
            key += 1
            server.arrive(key, now)
    return (key - clients) / now


@pytest.mark.parametrize("clients", [1, 2, 5, 9, 30])
def test_with_n_always_in_service_exactly_the_laws_throughput(clients):
    assert closed(LAW, clients, 3000) == pytest.approx(LAW.throughput_per_second(clients), rel=0.02)


def test_the_law():
    assert LAW.throughput_per_second(1) == 100
    assert LAW.throughput_per_second(10) == pytest.approx(1000 / (1 + 0.45 + 0.9))
    # Gunther: the peak is at √((1 − σ) ÷ κ).
    assert LAW.best[0] == pytest.approx((0.95 / 0.01) ** 0.5, abs=1)
    assert Usl(contention=0, coherency=0).throughput_per_second(7) == 700


def test_a_second_request_slows_the_first():
    server = SharedServer(Usl(alone_per_second=1, contention=1, coherency=0))  # X(2) = X(1) = 1 a second
    server.arrive(1, 10.0)
    assert server.next_end() == 11.0
    assert server.finish(10.5) == ()
    server.arrive(2, 10.5)
    assert server.next_end() == pytest.approx(11.5)  # half a second's work at half the pace
    first, second = server.finish(20.0)
    assert (first.key, first.end_seconds) == (1, pytest.approx(11.5))
    assert (second.key, second.end_seconds) == (2, pytest.approx(12.0))
    assert server.next_end() is None
    server.arrive(3, 30.0)
    assert server.next_end() == pytest.approx(31.0)


def test_beyond_the_most_they_wait_in_line():
    server = SharedServer(Usl(alone_per_second=1, contention=0, coherency=0, most=2))
    for key in (1, 2, 3):
        server.arrive(key, 0.0)
    done = server.finish(5.0)
    assert [(each.key, each.start_seconds, each.end_seconds) for each in done] == [(1, 0, 1), (2, 0, 1), (3, 1, 2)]


def test_being_late_changes_no_end():
    """Looked at often or once, every request ends at the same time."""
    random, now, arrivals = Random(5), 0.0, []
    for key in range(200):
        now += random.expovariate(80)
        arrivals.append((key, now))
    ends = []
    for looks in (0, 7):
        server, found = SharedServer(LAW), {}
        for (key, at), (_, following) in pairwise([*arrivals, (0, now)]):
            found |= {each.key: each.end_seconds for each in server.finish(at)}
            server.arrive(key, at)
            for look in range(looks):
                found |= {each.key: each.end_seconds for each in server.finish(at + (following - at) * look / looks)}
        found |= {each.key: each.end_seconds for each in server.finish(1e9)}
        ends.append(found)
    assert len(ends[0]) == 200
    assert ends[0] == pytest.approx(ends[1])
