from __future__ import annotations

from random import Random

import numpy as np
import pytest

from harness.analysis.histogram import bucket_index
from harness.analysis.phases import whole_seconds
from harness.analysis.queueing import mdc_slower, mmc_slower
from harness.loadgen.recorder import Endpoint, Recorder
from harness.model.plan import Arrivals
from harness.oracle import simulation


def nearest_rank(values, share):
    return np.quantile(values, share, method="inverted_cdf")


@pytest.mark.parametrize("servers", [1, 2, 3])
def test_the_queue_against_a_queue_by_hand(servers):
    random = Random(1)
    arrivals = np.cumsum([random.expovariate(1) for _ in range(200)])
    services = np.array([random.expovariate(1 / servers / 0.9) for _ in range(200)])
    free = [0.0] * servers
    expected = []
    for arrival, service in zip(arrivals, services, strict=True):
        server = free.index(min(free))
        free[server] = max(arrival, free[server]) + service
        expected.append(free[server] - arrival)
    assert simulation.respond(arrivals, services, servers) == pytest.approx(expected)


def test_a_stall_of_a_server_that_queues_nothing():
    """The exact open simulation of vector T1: t = 0.01i, frozen in [100, 200), each answered 1 ms later."""
    arrivals = np.arange(20000) * 0.01
    response = simulation.respond(arrivals, np.full(20000, 0.001), 20000, [(100.0, 200.0)])
    assert nearest_rank(response, 0.75) == pytest.approx(50.001)
    assert nearest_rank(response, 0.99) == pytest.approx(98.001)
    assert nearest_rank(response, 0.9999) == pytest.approx(99.981)
    assert response.mean() == pytest.approx(25.0035, abs=5e-5)


def test_a_stall_of_a_server_that_works_off_its_queue():
    """Vector T2: the same stall within 300 s, one at a time."""
    arrivals = np.arange(30000) * 0.01
    response = simulation.respond(arrivals, np.full(30000, 0.001), 1, [(100.0, 200.0)])
    assert [nearest_rank(response, share) for share in (0.5, 0.9, 0.95, 0.99)] == pytest.approx(
        [0.001, 73.001, 86.501, 97.301]
    )
    assert np.count_nonzero(response > 1) == 11001


def test_stalls_in_which_work_is_held():
    arrivals = np.array([0.0, 4.9, 5.5, 9.0, 10.5, 11.0])
    services = np.array([1.0, 0.2, 0.1, 1.0, 0.5, 0.1])
    response = simulation.respond(arrivals, services, 1, [(5.0, 6.0), (10.0, 12.0)])
    #  4.9 + 0.1, a second of stall, 0.1 more → 6.1; 5.5 waits for it → 6.2; 9.0 ends just as the second stall begins
    assert arrivals + response == pytest.approx([1.0, 6.1, 6.2, 10.0, 12.5, 12.6])


@pytest.mark.parametrize("servers", [1, 2, 8])
def test_simulated_queues_answer_as_theory_says(servers):
    rate, total, batch = 320.0, 400.0, 2.0
    service = servers / total
    arrivals = simulation.arrive(simulation.plateau(rate, 600, batch), Random(servers))
    numbers = np.random.default_rng(servers)
    warm = arrivals > 20
    response = simulation.respond(arrivals, numbers.exponential(service, len(arrivals)), servers)[warm]
    bound = service + 0.01
    assert np.mean(response > bound) == pytest.approx(mmc_slower(bound, rate, service, servers), rel=0.06)
    response = simulation.respond(arrivals, np.full(len(arrivals), service), servers)[warm]
    bound = service + 0.004
    assert np.mean(response > bound) == pytest.approx(mdc_slower(bound, rate, service, servers), rel=0.06)


def test_arrivals_are_the_plans_in_every_batch():
    arrivals = simulation.arrive(simulation.plateau(50, 20, 2), Random(1))
    assert np.histogram(arrivals, bins=10, range=(0, 20))[0].tolist() == [100] * 10
    even = simulation.arrive(simulation.plateau(50, 20, 2), Random(1), Arrivals.CONSTANT)
    assert np.diff(even) == pytest.approx(np.full(999, 0.02))


def test_rows_are_those_of_the_recorder():
    random = Random(3)
    arrivals = np.sort([random.uniform(0, 5) for _ in range(400)])
    response = np.array([random.expovariate(8) for _ in range(400)])
    recorder = Recorder((0.1, 0.25))
    endpoint = Endpoint("GET /", "oracle", "http")
    for arrival, seconds in zip(arrivals.tolist(), response.tolist(), strict=True):
        if seconds > 0.4:
            recorder.failed(endpoint, int(arrival), "timeout")
        else:
            recorder.completed(endpoint, int(arrival), seconds, seconds)
    expected = sorted(recorder.take(), key=lambda row: row.second)
    found = simulation.record(arrivals, response, (0.1, 0.25), timeout_seconds=0.4)
    assert list(found) == expected
    assert simulation.record(arrivals[:0], response[:0], (0.1,)) == ()


def test_buckets_are_the_histograms():
    values = [0, 1, 255, 256, 257, 511, 512, 1000, 65535, 65536, 1_000_000, 3_600_000_000]
    found = simulation._bucket_indices(np.array(values))
    assert found.tolist() == [bucket_index(value) for value in values]


def test_observed_in_batches():
    arrivals = np.arange(0, 10, 0.1) + 0.05
    rows = simulation.record(arrivals, np.full(100, 0.2), (0.1,))
    times = simulation.observe(rows, whole_seconds(2, 10), 2)
    assert [[row.second for row in batch] for batch in times.batches] == [[2, 3], [4, 5], [6, 7], [8, 9]]
    assert times.absent == (0, 0, 0, 0) and times.batch_seconds == 2


def test_requests_in_flight():
    arrivals, response = np.array([0.0, 1.0, 2.0]), np.array([1.5, 3.0, 0.5])
    assert simulation.in_flight(arrivals, response, np.array([0.5, 1.2, 2.2, 3.0, 9.0])).tolist() == [1, 2, 2, 1, 0]
