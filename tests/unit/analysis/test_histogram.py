"""Vectors T1, T5 and T6 of docs/methodology.md."""

from __future__ import annotations

import pytest

from harness.analysis.histogram import (
    EMPTY,
    bucket_edges_us,
    bucket_index,
    count_over,
    distribution_of,
    mean_seconds,
    merge,
    quantile,
)


def times(*parts: tuple[int, float]):
    return distribution_of([seconds for count, seconds in parts for _ in range(count)])


@pytest.mark.parametrize(
    ("us", "index"),
    [
        (0, 0),
        (-3, 0),
        (255, 255),
        (256, 256),
        (257, 256),
        (1000, 506),
        (1_000_000, 1780),
        (3_600_000_000, 3286),
    ],
)
def test_bucket_of_a_time(us, index):
    assert bucket_index(us) == index


@pytest.mark.parametrize(("index", "edges"), [(255, (255, 255)), (506, (1000, 1003)), (1780, (999_424, 1_003_519))])
def test_edges_of_a_bucket(index, edges):
    assert bucket_edges_us(index) == edges


def test_buckets_leave_no_gap_and_do_not_overlap():
    for index in range(3300):
        assert bucket_edges_us(index)[1] + 1 == bucket_edges_us(index + 1)[0]


def test_a_closed_loop_hides_a_stall():
    """T1, raw: 10,000 requests of 1 ms and one of 100 s."""
    raw = times((10_000, 0.001), (1, 100.0))
    assert quantile(raw, 0.9999) == pytest.approx(0.001, rel=0.0079)
    assert quantile(raw, 0.99999) == pytest.approx(100, rel=0.0079)
    assert mean_seconds(raw) == pytest.approx(0.0109989, rel=1e-4)


def test_times_from_the_intended_start_show_it():
    """T1, corrected: the stall of 100 s also delays the 9,999 requests that were due every 10 ms in it."""
    stalled = [100.0 - 0.01 * index for index in range(10_000)]
    seen = merge([times((10_000, 0.001)), distribution_of(stalled)])
    assert seen.count == 20_000
    assert quantile(seen, 0.5) == pytest.approx(0.001, rel=0.0079)
    assert quantile(seen, 0.75) == pytest.approx(50, rel=0.0079)
    assert quantile(seen, 0.90) == pytest.approx(80, rel=0.0079)
    assert quantile(seen, 0.99) == pytest.approx(98, rel=0.0079)
    assert mean_seconds(seen) == pytest.approx(25.003, rel=1e-3)


def test_an_exact_open_simulation():
    """T1: arrivals every 10 ms, each served at once in 1 ms, but everything frozen in [100, 200)."""
    arrivals = [0.01 * index for index in range(20_000)]
    responses = [(200 - due if due > 99.9995 else 0) + 0.001 for due in arrivals]
    seen = distribution_of(responses)
    assert quantile(seen, 0.75) == pytest.approx(50.001, rel=0.0079)
    assert quantile(seen, 0.99) == pytest.approx(98.001, rel=0.0079)
    assert quantile(seen, 0.9999) == pytest.approx(99.981, rel=0.0079)
    assert mean_seconds(seen) == pytest.approx(25.0035, rel=1e-4)


def test_percentiles_are_merged_not_averaged():
    """T5."""
    slow, fast = times((900, 0.1), (100, 2.0)), times((99_000, 0.1), (1000, 0.3))
    assert quantile(slow, 0.95) == pytest.approx(2, rel=0.0079)
    assert quantile(fast, 0.95) == pytest.approx(0.1, rel=0.0079)
    both = merge([slow, fast])
    assert quantile(both, 0.95) == pytest.approx(0.1, rel=0.0079)
    assert quantile(both, 0.99) == pytest.approx(0.3, rel=0.0079)


def test_a_pooled_percentile_is_another_rule_than_one_per_window():
    """T5: windows of 1000 with p95 of 200, 200 and 3000 ms pool to 3000."""
    windows = [times((960, 0.2), (40, 3.0)), times((960, 0.2), (40, 3.0)), times((400, 0.2), (600, 3.0))]
    assert [quantile(window, 0.95) for window in windows] == pytest.approx([0.2, 0.2, 3.0], rel=0.0079)
    assert quantile(merge(windows), 0.95) == pytest.approx(3, rel=0.0079)


def test_a_quantile_reports_the_upper_edge():
    assert quantile(times((1, 0.001)), 0.5) == 0.001003


def test_worse_observations_take_part_in_the_rank():
    seen = times((95, 0.1))
    assert quantile(seen, 0.95, worse=5) == pytest.approx(0.1, rel=0.0079)
    assert quantile(seen, 0.96, worse=5) is None


def test_nothing_has_no_quantile():
    assert quantile(EMPTY, 0.5) is None
    assert mean_seconds(EMPTY) is None
    assert merge([]) == EMPTY


def test_counting_over_a_threshold_inside_a_bucket_gives_both_bounds():
    assert count_over(times((3, 0.001), (2, 0.002)), 0.001001) == (2, 5)
    assert count_over(times((3, 0.001), (2, 0.002)), 0.5) == (0, 0)
