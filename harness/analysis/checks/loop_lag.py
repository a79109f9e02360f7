"""Does the generator's event loop run on time?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard
from harness.analysis.checks.lag import SecondOfLag, look_at_lag
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

BEATS = 100
"""A heartbeat every 10 ms."""


def look(evidence: Evidence, level: Level) -> Finding:
    """A 10 ms heartbeat: actual − due."""
    seconds = [
        SecondOfLag(sample.loop_lag, sample.loop_lag_p99_seconds, BEATS)
        for samples in heard(evidence, level).values()
        for sample in samples
    ]
    return look_at_lag(evidence, seconds, "the loop's lag")


CHECK = LevelCheck("loop-lag", "Generator's loop lag", (Taint.TIMES, Taint.THROUGHPUT), look)
