"""Lags of the generator itself: of its event loop and of its schedule."""

from __future__ import annotations

from collections.abc import Callable

from harness.analysis.checks.base import Finding, heard, nothing
from harness.analysis.percentiles import nearest_rank
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import GeneratorSample
from harness.model.units import Unit, format_quantity

HANG = 10
"""A single second worse than so many times the limit fails the level by itself."""


def limit_seconds(evidence: Evidence) -> float:
    """max(5 ms, 5 % of the smallest bound on a time) (methodology §5)."""
    return max(0.005, 0.05 * min(evidence.plan.thresholds_seconds, default=0.0))


def look_at_lag(evidence: Evidence, level: Level, lag: Callable[[GeneratorSample], float], what: str) -> Finding:
    """The p99 of the lag over the measure phase against the limit.

    The samples hold one p99 for each second, from which the phase's own p99 cannot be rebuilt. Where nine seconds in
    ten keep the limit and none is a hang (ten times the limit), so does the phase: what remains over the limit is a
    share of the tenth second.
    """
    limit = limit_seconds(evidence)
    allowed = f"p99 at most {format_quantity(limit, Unit.SECONDS)}"
    values = sorted(lag(sample) for samples in heard(evidence, level).values() for sample in samples)
    if not values:
        return nothing(allowed, f"the generator said nothing of {what}")
    typical, worst = values[nearest_rank(0.9, len(values)) - 1], values[-1]
    good = typical <= limit and worst <= HANG * limit
    shown = f"p99 {format_quantity(typical, Unit.SECONDS)}, worst second {format_quantity(worst, Unit.SECONDS)}"
    return Finding(
        good,
        shown,
        allowed,
        f"nine seconds in ten kept {what} below this"
        if good
        else f"{what} was too long: times are the generator's own",
    )
