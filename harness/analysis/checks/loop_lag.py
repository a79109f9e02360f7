"""Does the generator's event loop run on time?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck
from harness.analysis.checks.lag import look_at_lag
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint


def look(evidence: Evidence, level: Level) -> Finding:
    """A 10 ms heartbeat: actual − due."""
    return look_at_lag(evidence, level, lambda sample: sample.loop_lag_p99_seconds, "the loop's lag")


CHECK = LevelCheck("loop-lag", "Generator's loop lag", (Taint.TIMES, Taint.THROUGHPUT), look)
