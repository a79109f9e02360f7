"""Did the generator start what the plan asked for?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, increase, nothing
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
    if not workers or intended <= 0:
        return nothing(limit, "no arrival was intended or nothing was said of it")
    started = increase(evidence, level, lambda sample: sample.started)
    value = f"{started / intended:.3f}"
    if abs(started - intended) <= max(1.0, LIMIT * intended):
        return Finding(True, value, limit, f"{started:,.0f} of {intended:,.0f} arrivals were started")
    dropped = increase(evidence, level, lambda sample: sample.dropped)
    waiting = increase(evidence, level, lambda sample: sample.waiting)
    if intended - started <= dropped + max(0.0, waiting) + max(1.0, LIMIT * intended):
        return Finding(True, value, limit, "all users were busy: the system's slowness, counted as late and dropped")
    return Finding(False, value, limit, "arrivals were not started although users were free")


CHECK = LevelCheck(
    "sent-intended", "Arrivals started ÷ intended", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look
)
