"""Do arrivals start when they were meant to?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, before, heard
from harness.analysis.checks.lag import SecondOfLag, look_at_lag
from harness.analysis.phases import measured
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint


def look(evidence: Evidence, level: Level) -> Finding:
    """Actual − intended start of the arrivals that found a user free (waiting for one is the system's slowness)."""
    earlier = before(evidence, measured(level).start_seconds)
    seconds = []
    for worker, samples in heard(evidence, level).items():
        started = earlier[worker].started if worker in earlier else 0
        for sample in samples:
            seconds.append(SecondOfLag(sample.schedule_lag, sample.schedule_lag_p99_seconds, sample.started - started))
            started = sample.started
    return look_at_lag(evidence, seconds, "the schedule's lag", may_be_absent=True)


CHECK = LevelCheck("schedule-lag", "Generator's schedule lag", (Taint.TIMES, Taint.THROUGHPUT), look)
