"""Was the whole generator there all the time?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, nothing
from harness.analysis.phases import load_second, measured, seconds_of
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LOST = ("worker-lost", "generator-died")
"""Events of the harness: a worker of the generator, or all of it, went away after the load had begun."""
LIMIT = 0.10


def look(evidence: Evidence, level: Level) -> Finding:
    """No worker was lost before the measure phase ended, and each was heard in 90 % of its seconds."""
    limit = "no worker lost, each heard every second"
    end = measured(level).end_seconds
    for event in evidence.events:
        second = load_second(evidence, event.monotonic_seconds)
        if event.name in LOST and second is not None and second < end:
            who = f"worker {event.detail['worker']}" if "worker" in event.detail else "the generator"
            return Finding(False, f"{who} lost at {second:.0f} s", limit, "part of the load was gone from then on")
    workers = heard(evidence, level)
    if not workers:
        return nothing(limit, "the generator was not heard")
    expected = len(seconds_of(measured(level)))
    silent = {name: 1 - len(samples) / expected for name, samples in workers.items()}
    everyone = {sample.worker for sample in evidence.generator}
    silent |= dict.fromkeys(everyone - workers.keys(), 1.0)
    worst = max(silent, key=lambda name: silent[name])
    good = silent[worst] <= LIMIT
    return Finding(
        good,
        f"{len(everyone)} heard" if good else f"{worst} silent {silent[worst] * 100:.0f} % of the time",
        limit,
        "the whole generator was there" if good else "nobody knows what it did in the meantime",
    )


CHECK = LevelCheck(
    "worker-lost", "Presence of the generator", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look
)
