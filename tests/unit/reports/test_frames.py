from dataclasses import replace

import pytest

from harness.model.samples import ServerSample
from reports.charts import Gap
from reports.frames import gaps, merge_gaps, sampling_cost, server_series, step_seconds, time_axis
from tests.support.report_values import LOAD_START, make_report_evidence, never_loaded, server


@pytest.fixture
def evidence():
    return make_report_evidence()


def test_the_axis_ends_with_the_last_thing_seen_and_holds_the_levels():
    axis = time_axis(make_report_evidence(12))
    assert (axis.start_seconds, axis.end_seconds) == (0, 12)
    assert [(band.label, band.measure) for band in axis.bands] == [("normal 5/s", (5, 17)), ("peak 8/s", (25, 37))]


def test_no_load_no_axis(evidence):
    assert time_axis(never_loaded(evidence)) is None


def test_a_failed_sample_is_no_value_and_never_zero(evidence):
    points = server_series(evidence, time_axis(evidence), "postgres", "connections_ratio")
    assert [value for at, value in points if 24 <= at < 29] == [0.3, None, None, None, 0.3]
    assert gaps(evidence, time_axis(evidence), "postgres") == (
        Gap(pytest.approx(24.4), pytest.approx(27.4), "connection refused"),
    )


def test_a_silent_sampler_is_a_gap_even_without_a_row(evidence):
    axis = time_axis(evidence)
    silent = replace(evidence, servers=tuple(server(at, "redis", ops=1.0) for at in (0.5, 1.5, 20.5, 21.5)))
    points = server_series(silent, axis, "redis", "ops")
    assert [value for _, value in points] == [1.0, 1.0, None, 1.0, 1.0]
    assert [(gap.start_seconds, gap.end_seconds) for gap in gaps(silent, axis, "redis")] == [(1.5, 20.5), (21.5, 40.0)]


def test_a_sampler_without_any_row_is_one_whole_gap(evidence):
    axis = time_axis(evidence)
    assert gaps(evidence, axis, "pgbouncer") == (Gap(0.0, axis.end_seconds, "the sampler was silent"),)


def test_a_slow_sampler_is_no_gap_and_neither_is_a_metric_that_is_looked_at_less_often(evidence):
    axis = time_axis(evidence)
    slow = tuple(server(at + 0.5, "application", inflight=1.0) for at in range(0, 40, 5))
    mixed = tuple(
        server(at, "stack", cpu=0.5, disk=0.1) if at % 10 == 0 else server(at, "stack", cpu=0.5) for at in range(40)
    )
    both = replace(evidence, servers=slow + mixed)
    assert gaps(both, axis, "application") == gaps(both, axis, "stack") == ()
    assert [value for _, value in server_series(both, axis, "application", "inflight")] == [1.0] * 8
    assert [value for _, value in server_series(both, axis, "stack", "disk")] == [0.1] * 4


def test_samples_before_the_load_are_left_out(evidence):
    early = replace(
        evidence, servers=(ServerSample(LOAD_START - 30, "redis", {"ops": 5.0}), server(1, "redis", ops=1.0))
    )
    assert [value for _, value in server_series(early, time_axis(evidence), "redis", "ops")] == [1.0]


def test_a_long_run_is_drawn_in_means_over_several_seconds(evidence):
    axis = replace(time_axis(evidence), end_seconds=3000.0)
    assert step_seconds(axis) == 5
    long = replace(evidence, servers=tuple(server(at, "redis", ops=float(at % 5)) for at in range(20)))
    assert [value for _, value in server_series(long, axis, "redis", "ops")] == [2.0, 2.0, 2.0, 2.0]


def test_gaps_that_touch_become_one():
    assert merge_gaps([Gap(1, 2, "a"), Gap(2, 3, "b"), Gap(5, 6, "c")]) == (Gap(1, 3, "a"), Gap(5, 6, "c"))


def test_sampling_cost_is_a_share_of_one_core(evidence):
    costs = {name: (count, share) for name, count, share in sampling_cost(evidence.servers, 40.0)}
    assert costs["stack"] == (40, pytest.approx(0.001))
    assert sampling_cost((), 40.0) == () == sampling_cost(evidence.servers, 0.0)
