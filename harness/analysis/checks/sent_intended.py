"""Did the generator start what the plan asked for?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, before, heard, increase, nothing
from harness.model.due import arrivals_due
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LIMIT = 0.01


def look(evidence: Evidence, level: Level) -> Finding:
    """Started ÷ intended arrivals within 1 ± 0.01 (or one arrival), unless all users were busy: then the shortfall is
    the system's slowness, and it is counted as late and dropped."""
    limit = "1 ± 0.01"
    workers = heard(evidence, level)
    intended = increase(evidence, level, lambda sample: sample.intended)
    if not workers:
        return nothing(limit, "nothing was said of the arrivals")
    if intended <= 0:
        return _none(evidence, level, limit)
    started = increase(evidence, level, lambda sample: sample.started)
    value = f"{started / intended:.3f}"
    if abs(started - intended) <= max(1.0, LIMIT * intended):
        return Finding(True, value, limit, f"{started:,.0f} of {intended:,.0f} arrivals were started")
    dropped = increase(evidence, level, lambda sample: sample.dropped)
    waiting = increase(evidence, level, lambda sample: sample.waiting)
    if intended - started <= dropped + max(0.0, waiting) + max(1.0, LIMIT * intended):
        return Finding(True, value, limit, "all users were busy: the system's slowness, counted as late and dropped")
    return Finding(False, value, limit, "arrivals were not started although users were free")


def _none(evidence: Evidence, level: Level, limit: str) -> Finding:
    """No arrival in the measure phase: rightly so where the level makes none due, or had its arrivals before or after.

    A sample speaks for the second before it, give or take one, so that what fell due at the phase's edge may be in a
    neighbour's.
    """
    due = sum(arrivals_due(evidence.plan, level).values())
    if not due:
        return Finding(True, "0 of 0", limit, "nothing was due: the plan has no arrival in this level")
    earlier, later = before(evidence, level.start_seconds), before(evidence, level.end_seconds + 1)
    if sum(each.intended for each in later.values()) > sum(each.intended for each in earlier.values()):
        return Finding(True, "0 of 0", limit, "nothing was due: the level's arrivals lie outside of its measure phase")
    return nothing(limit, f"no arrival was intended, though {due:,} were due in the level")


CHECK = LevelCheck(
    "sent-intended", "Arrivals started ÷ intended", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look
)
