"""Sparse log-linear histograms of times (methodology §2, S = 7).

A time in whole microseconds x falls into bucket x when e = bit_length(x) − 8 ≤ 0, else (e << 7) + (x >> e). A bucket is
at most 1/128 = 0.78 % wide, so the upper edge that a quantile reports is never below the true value and at most 0.79 %
above it. Histograms merge by adding their counts, without loss and in any order; percentiles are never averaged.

Standard library only: the load generator records with the same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.analysis.percentiles import nearest_rank
from harness.model.samples import Distribution

_BITS = 7
_LINEAR = 1 << (_BITS + 1)
MICROSECONDS = 1_000_000
EMPTY = Distribution(buckets={}, count=0, sum_seconds=0.0, max_seconds=0.0)


def bucket_index(us: int) -> int:
    """The bucket of a time in whole microseconds; a negative one counts as 0."""
    if us < _LINEAR:
        return max(us, 0)
    exponent = us.bit_length() - (_BITS + 1)
    return (exponent << _BITS) + (us >> exponent)


def bucket_edges_us(index: int) -> tuple[int, int]:
    """The smallest and the largest microsecond that fall into the bucket."""
    if index < _LINEAR:
        return index, index
    exponent = (index >> _BITS) - 1
    mantissa = index - (exponent << _BITS)
    return mantissa << exponent, ((mantissa + 1) << exponent) - 1


def lower_edge_seconds(index: int) -> float:
    """The bucket's lower edge."""
    return bucket_edges_us(index)[0] / MICROSECONDS


def upper_edge_seconds(index: int) -> float:
    """The bucket's upper edge."""
    return bucket_edges_us(index)[1] / MICROSECONDS


def distribution_of(seconds: Iterable[float]) -> Distribution:
    """The histogram of some times."""
    values = tuple(seconds)
    return Distribution(
        buckets=dict(Counter(bucket_index(round(value * MICROSECONDS)) for value in values)),
        count=len(values),
        sum_seconds=sum(values),
        max_seconds=max(values, default=0.0),
    )


def merge(distributions: Iterable[Distribution]) -> Distribution:
    """All of them as one."""
    buckets: dict[int, int] = {}
    count, total, largest = 0, 0.0, 0.0
    for each in distributions:
        count += each.count
        total += each.sum_seconds
        largest = max(largest, each.max_seconds)
        for index, number in each.buckets.items():
            buckets[index] = buckets.get(index, 0) + number
    return Distribution(buckets, count, total, largest)


def value_at_rank(distribution: Distribution, rank: int) -> float | None:
    """The upper edge in seconds of the bucket that holds the rank-th smallest time (from 1); None beyond the last."""
    seen = 0
    for index in sorted(distribution.buckets):
        seen += distribution.buckets[index]
        if seen >= rank:
            return upper_edge_seconds(index)
    return None


def quantile(distribution: Distribution, share: float, worse: int = 0) -> float | None:
    """The nearest-rank quantile in seconds (Hyndman–Fan type 1), as its bucket's upper edge.

    worse: further observations that were worse than every recorded one (dropped, never answered): they take part in
    the rank. None when there is no observation, or when the rank falls among the worse ones.
    """
    total = distribution.count + worse
    return value_at_rank(distribution, nearest_rank(share, total)) if total else None


def count_over(distribution: Distribution, threshold_seconds: float) -> tuple[int, int]:
    """How many times were over the threshold: (at least, at most), since a bucket may hold both sides of it."""
    surely = possibly = 0
    for index, number in distribution.buckets.items():
        if lower_edge_seconds(index) > threshold_seconds:
            surely += number
        if upper_edge_seconds(index) > threshold_seconds:
            possibly += number
    return surely, possibly


def mean_seconds(distribution: Distribution) -> float | None:
    """The exact mean; None when there is no observation."""
    return distribution.sum_seconds / distribution.count if distribution.count else None
