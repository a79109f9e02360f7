"""Lags of the generator itself: of its event loop and of its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import histogram
from harness.analysis.checks.base import Finding, nothing
from harness.analysis.percentiles import nearest_rank
from harness.model.evidence import Evidence
from harness.model.samples import Distribution
from harness.model.units import Unit, format_quantity


@dataclass(frozen=True, slots=True)
class SecondOfLag:
    """A second's lags: all of them where they were kept, their p99, and how many there were."""

    kept: Distribution | None
    p99_seconds: float
    count: int


def limit_seconds(evidence: Evidence) -> float:
    """max(5 ms, 5 % of the smallest bound on a time) (methodology §5)."""
    return max(0.005, 0.05 * min(evidence.plan.thresholds_seconds, default=0.0))


def look_at_lag(
    evidence: Evidence, seconds: Sequence[SecondOfLag], what: str, *, may_be_absent: bool = False
) -> Finding:
    """The p99 of the lags over a measure phase against the limit."""
    limit = limit_seconds(evidence)
    allowed = f"p99 at most {format_quantity(limit, Unit.SECONDS)}"
    if not seconds:
        return nothing(allowed, f"the generator said nothing of {what}")
    if not sum(second.count if second.kept is None else second.kept.count for second in seconds):
        # Only the schedule has a good reason for it: all users were busy, which the other checks look at.
        return Finding(None, "–", allowed, f"{what} was never measured", applies=not may_be_absent)
    found = worst_lag(seconds)
    worst = max(second.p99_seconds for second in seconds)
    # The upper edge of a bucket is at most 0.79 % too high: a lag on the limit is not beyond it.
    good = found <= limit * 1.0079
    return Finding(
        good,
        f"p99 {format_quantity(found, Unit.SECONDS)}, worst second {format_quantity(worst, Unit.SECONDS)}",
        allowed,
        f"{what} was short" if good else f"{what} was too long: times are the generator's own",
    )


def worst_lag(seconds: Sequence[SecondOfLag]) -> float:
    """The p99 of all the lags of those seconds, exactly where they were kept."""
    if any(second.kept is None for second in seconds):
        return estimated_p99(seconds)
    return histogram.quantile(histogram.merge(second.kept for second in seconds if second.kept), 0.99) or 0.0


def estimated_p99(seconds: Sequence[SecondOfLag]) -> float:
    """The p99 of all lags from each second's own p99, for runs that kept nothing else (percentiles do not merge, T5).

    A lag comes from a pause, and a pause of length q delays all that falls due in it, evenly from q down to 0. So of n
    observations in a second whose p99 is q, those above x are the ones at or above the p99 itself (n − ⌈0.99·n⌉ + 1)
    and n·(q − x) more. The answer is the x above which 1 % of all observations lie.
    """
    allowed = 0.01 * sum(second.count for second in seconds)
    for x in sorted({0.0, *(second.p99_seconds for second in seconds)}):
        if sum(_above(second, x) for second in seconds) <= allowed:
            return x
    return max(second.p99_seconds for second in seconds)


def _above(second: SecondOfLag, x: float) -> float:
    if second.count < 1 or second.p99_seconds <= x:
        return 0.0
    first = second.count - nearest_rank(0.99, second.count) + 1
    return min(second.count, first + second.count * (second.p99_seconds - x))
