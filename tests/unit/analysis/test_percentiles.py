"""Vectors T4 (nearest rank) and T9 of docs/methodology.md."""

from __future__ import annotations

import pytest

from harness.analysis.percentiles import nearest_rank, rank_coverage, rank_interval, upper_rank


@pytest.mark.parametrize(
    ("share", "count", "rank"),
    [(0.95, 100, 95), (0.95, 12, 12), (0.5, 1, 1), (0, 10, 1), (1, 10, 10), (0.07, 100, 7), (0.9999, 10_001, 10_000)],
)
def test_nearest_rank(share, count, rank):
    assert nearest_rank(share, count) == rank


@pytest.mark.parametrize(("share", "count"), [(0.5, 0), (-0.1, 5), (1.1, 5)])
def test_a_rank_that_does_not_exist(share, count):
    with pytest.raises(ValueError, match=r"rank|share"):
        nearest_rank(share, count)


@pytest.mark.parametrize(
    ("share", "count", "ranks"),
    [
        (0.95, 1000, (936, 964)),
        (0.99, 1000, (983, 997)),
        (0.99, 10_000, (9880, 9920)),
        (0.5, 31, (10, 22)),
        (0.5, 6, (1, 6)),
        (0.5, 5, None),
    ],
)
def test_two_sided_ranks(share, count, ranks):
    assert rank_interval(share, count) == ranks


def test_coverage():
    assert rank_coverage(0.95, 1000, (936, 964)) == pytest.approx(0.958095, abs=5e-7)


@pytest.mark.parametrize(
    ("share", "count", "rank"),
    [
        (0.95, 1000, 962),
        (0.99, 299, 299),
        (0.99, 298, None),
        (0.95, 59, 59),
        (0.95, 58, None),
        (0.999, 2995, 2995),
        (0.999, 2994, None),
    ],
)
def test_one_sided_upper_rank(share, count, rank):
    assert upper_rank(share, count) == rank
