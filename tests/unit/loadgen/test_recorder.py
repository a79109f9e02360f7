"""Counting: buckets (vector T6), rows that add up, and the law of conservation."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.loadgen.recorder import Endpoint, Meter, Recorder

LOGIN = Endpoint("POST /login", "students", "http")


@pytest.mark.parametrize(
    ("microseconds", "bucket"),
    [
        (0, 0),
        (255, 255),
        (256, 256),
        (257, 256),
        (1000, 506),
        (1003, 506),
        (1004, 507),
        (999_424, 1780),
        (1_000_000, 1780),
        (1_003_519, 1780),
        (1_003_520, 1781),
        (3_600_000_000, 3286),
    ],
)
def test_vector_t6_buckets(microseconds, bucket):
    recorder = Recorder(())
    recorder.completed(LOGIN, 0, microseconds / 1e6 + 1e-9, microseconds / 1e6 + 1e-9)
    (row,) = recorder.take()
    assert row.response.buckets == row.service.buckets == {bucket: 1}


def test_the_buckets_are_those_that_the_analysis_reads():
    histogram = pytest.importorskip("harness.analysis.histogram")
    recorder = Recorder(())
    for power in range(32):
        recorder.completed(LOGIN, power, 2**power / 1e6 + 1e-9, 2**power / 1e6 + 1e-9)
    for row in recorder.take():
        assert dict(row.response.buckets) == {histogram.bucket_index(2**row.second): 1}


def test_a_row_tells_response_from_service_and_counts_what_is_over():
    recorder = Recorder((0.5, 2.0))
    recorder.completed(LOGIN, 3, 0.75, 0.25)
    recorder.completed(LOGIN, 3, 0.5, 0.5)  # at the bound is not over it
    recorder.late(LOGIN, 3)
    (row,) = recorder.take()
    assert (row.second, row.endpoint, row.flow, row.kind, row.probe) == (3, "POST /login", "students", "http", False)
    assert (row.completed, row.errors, row.dropped, row.late, row.expected) == (2, 0, 0, 1, 0)
    assert row.exceeded == {0.5: 1, 2.0: 0}
    assert (row.response.count, row.response.sum_seconds, row.response.max_seconds) == (2, 1.25, 0.75)
    assert (row.service.count, row.service.sum_seconds, row.service.max_seconds) == (2, 0.75, 0.5)


def test_errors_and_drops_are_above_every_threshold_and_in_no_distribution():
    recorder = Recorder((0.5, 2.0))
    recorder.failed(LOGIN, 1, "timeout")
    recorder.failed(LOGIN, 1, "HTTP 500")
    recorder.failed(LOGIN, 1, "HTTP 500")
    recorder.dropped(LOGIN, 1)
    (row,) = recorder.take()
    assert (row.completed, row.errors, row.dropped, row.offered) == (0, 3, 1, 4)
    assert row.error_kinds == {"timeout": 1, "HTTP 500": 2}
    assert row.exceeded == {0.5: 4, 2.0: 4}
    assert row.response.count == row.service.count == 0


def test_rows_are_by_second_endpoint_flow_and_probe():
    recorder = Recorder(())
    probe = Endpoint("POST /login", "students", "http", probe=True)
    for endpoint, second in ((LOGIN, 5), (LOGIN, 4), (probe, 4), (LOGIN, 5)):
        recorder.completed(endpoint, second, 0.1, 0.1)
    assert [(row.second, row.probe, row.completed) for row in recorder.take()] == [
        (4, False, 1),
        (4, True, 1),
        (5, False, 2),
    ]
    assert recorder.take() == ()


def test_deliveries_that_never_came_are_expected_all_the_same():
    recorder = Recorder(())
    delivery = Endpoint("socket delivery", "classroom", "socketio")
    recorder.completed(delivery, 0, 0.1, 0.1)
    recorder.expected(delivery, 0, 3)
    (row,) = recorder.take()
    assert (row.completed, row.expected) == (1, 3)


times = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100), st.booleans()), max_size=40)


@given(times, st.integers(0, 40))
def test_increments_add_up_to_the_whole(records, cut):
    def record(recorder, part):
        for second, seconds, good in part:
            if good:
                recorder.completed(LOGIN, second, seconds, seconds / 2)
            else:
                recorder.failed(LOGIN, second, "timeout")

    whole, pieces = Recorder((1.0,)), Recorder((1.0,))
    record(whole, records)
    record(pieces, records[:cut])
    rows = list(pieces.take())
    record(pieces, records[cut:])
    rows += pieces.take()
    for expected in whole.take():
        same = [row for row in rows if row.second == expected.second]
        buckets: Counter[int] = Counter()
        for row in same:
            buckets.update(row.response.buckets)
        assert buckets == expected.response.buckets
        assert sum(row.offered for row in same) == expected.offered
        assert sum(row.exceeded[1.0] for row in same) == expected.exceeded[1.0]
        assert sum(row.response.sum_seconds for row in same) == pytest.approx(expected.response.sum_seconds)
        assert max(row.response.max_seconds for row in same) == expected.response.max_seconds


def test_requests_in_flight_and_service_times_are_the_same_time():
    now = 0
    random = Random(1)
    meter = Meter(lambda: now)
    under_way = []
    for _ in range(500):
        now += random.randrange(1_000_000)
        if under_way and random.random() < 0.5:
            meter.end(under_way.pop(random.randrange(len(under_way))), good=random.random() < 0.9)
        else:
            under_way.append(meter.begin())
    now += 5_000_000
    busy, service = meter.totals()
    age = sum(now - began for began in under_way) / 1e9
    assert meter.in_flight == len(under_way) == meter.started - meter.completed - meter.failed
    assert busy == pytest.approx(service + age, abs=1e-12)
    assert age > 0 < meter.failed


def test_a_lost_record_breaks_conservation():
    now = 0
    meter = Meter(lambda: now)
    meter.begin()  # and never ended
    began = meter.begin()
    now = 1_000_000_000
    meter.end(began, good=True)
    busy, service = meter.totals()
    assert (busy, service, meter.in_flight) == (2.0, 1.0, 1)
