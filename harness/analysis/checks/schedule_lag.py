"""Do arrivals start when they were meant to?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck
from harness.analysis.checks.lag import look_at_lag
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint


def look(evidence: Evidence, level: Level) -> Finding:
    """Actual − intended start of the arrivals that found a user free (waiting for one is the system's slowness)."""
    return look_at_lag(evidence, level, lambda sample: sample.schedule_lag_p99_seconds, "the schedule's lag")


CHECK = LevelCheck("schedule-lag", "Generator's schedule lag", (Taint.TIMES, Taint.THROUGHPUT), look)
