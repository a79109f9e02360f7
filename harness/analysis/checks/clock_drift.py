"""Times of the servers (epoch) and of the generator (monotonic) are compared: the two clocks must run alike."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, RunCheck, nothing
from harness.model.evidence import Evidence
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Taint

LIMIT_SECONDS = 0.05


def look(evidence: Evidence) -> Finding:
    """Wall − monotonic clock, as each event noted both, may move by at most 50 ms (methodology §5)."""
    limit = f"at most {format_quantity(LIMIT_SECONDS, Unit.SECONDS)}"
    offsets = [event.wall_seconds - event.monotonic_seconds for event in evidence.events]
    if len(offsets) < 2:
        return nothing(limit, "fewer than two events noted both clocks")
    drift = max(offsets) - min(offsets)
    good = drift <= LIMIT_SECONDS
    return Finding(
        good,
        format_quantity(drift, Unit.SECONDS),
        limit,
        "the two clocks ran alike" if good else "the wall clock was set or slewed during the run",
    )


CHECK = RunCheck("clock-drift", "Drift between the clocks", (Taint.TIMES,), look)
