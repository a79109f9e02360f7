"""Does the generator's event loop run on time?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard
from harness.analysis.checks.lag import SecondOfLag, look_at_lag, worst_lag
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

BEATS = 100
"""A heartbeat every 10 ms."""


def look(evidence: Evidence, level: Level) -> Finding:
    """A 10 ms heartbeat: actual − due. Each worker's loop for itself: among the beats of many good ones those of a bad
    one would not show."""
    workers = [
        [SecondOfLag(sample.loop_lag, sample.loop_lag_p99_seconds, BEATS) for sample in samples]
        for samples in heard(evidence, level).values()
    ]
    return look_at_lag(evidence, max(workers, key=worst_lag, default=[]), "the loop's lag")


CHECK = LevelCheck("loop-lag", "Generator's loop lag", (Taint.TIMES, Taint.THROUGHPUT), look)
