"""Was the whole generator there all the time?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, nothing
from harness.analysis.phases import measured, seconds_of
from harness.analysis.workers import lost_workers
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LIMIT = 0.10


def look(evidence: Evidence, level: Level) -> Finding:
    """No worker was lost before the measure phase ended, and each was heard in 90 % of its seconds."""
    limit = "no worker lost, each heard every second"
    end = measured(level).end_seconds
    for name, second in lost_workers(evidence).items():
        if second < end:
            who = f"worker {name}" if name else "the generator"
            return Finding(False, f"{who} lost at {second:.0f} s", limit, "part of the load was gone from then on")
    workers = heard(evidence, level)
    if not workers:
        return nothing(limit, "the generator was not heard")
    expected = len(seconds_of(measured(level)))
    silent = {name: 1 - len(samples) / expected for name, samples in workers.items()}
    everyone = {sample.worker for sample in evidence.generator} | _expected(evidence)
    silent |= dict.fromkeys(everyone - workers.keys(), 1.0)
    worst = max(silent, key=lambda name: silent[name])
    good = silent[worst] <= LIMIT
    return Finding(
        good,
        f"{len(everyone)} heard" if good else f"{worst} silent {silent[worst] * 100:.0f} % of the time",
        limit,
        "the whole generator was there" if good else "nobody knows what it did in the meantime",
    )


def _expected(evidence: Evidence) -> set[str]:
    """The workers that the load began with, where there were several."""
    start = evidence.event("load-start")
    return set() if start is None else {str(name) for name in start.detail.get("workers", ())}


CHECK = LevelCheck(
    "worker-lost", "Presence of the generator", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look, struck=True
)
