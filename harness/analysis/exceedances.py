"""How many requests of a row were slower than a bound, or bad (methodology §0.2)."""

from __future__ import annotations

from harness.analysis.histogram import count_over
from harness.model.samples import RequestRow

QUERY_KIND = "query"
"""A row made of the application's own histogram of its statements: counted exactly at the edges of its buckets."""


def is_counted(row: RequestRow, bound_seconds: float) -> bool:
    """Whether the bound is one of the thresholds that were counted exactly at record time."""
    return _counted(row, bound_seconds) is not None


def exceeded(row: RequestRow, bound_seconds: float) -> tuple[int, int]:
    """(at least, at most) how many were over the bound or bad.

    Both are the same when the bound was counted exactly; else they come from the histogram, whose bucket may lie on
    both sides of the bound, with everything that has no good response added.
    """
    counted = _counted(row, bound_seconds)
    bad = row.errors + row.dropped
    if counted is not None:
        return max(counted, bad), max(counted, bad)
    if row.kind == QUERY_KIND:
        return _between(row, bound_seconds)
    surely, possibly = count_over(row.response, bound_seconds)
    return surely + bad, possibly + bad


def _between(row: RequestRow, bound_seconds: float) -> tuple[int, int]:
    """What is over the next higher edge surely is over the bound, what is not over the next lower one surely is not."""
    higher = [count for edge, count in row.exceeded.items() if float(edge) >= bound_seconds]
    lower = [count for edge, count in row.exceeded.items() if float(edge) <= bound_seconds]
    return max(higher, default=0), min(lower, default=row.offered)


def _counted(row: RequestRow, bound_seconds: float) -> int | None:
    for threshold, count in row.exceeded.items():
        if abs(float(threshold) - bound_seconds) < 1e-9:
            return count
    return None
