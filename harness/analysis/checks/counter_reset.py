"""A counter that goes backwards was reset, or its server was replaced: what is computed across that moment is wrong."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, nothing
from harness.analysis.phases import load_second
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

COUNTER = "_total"
"""How the names of counters since a server's start end."""
LIMIT = "no counter goes backwards"


def look(evidence: Evidence, level: Level) -> Finding:
    """Every reading of a counter, over the whole level, is at least the one before it."""
    last: dict[tuple[str, str], float] = {}
    seen: set[tuple[str, str]] = set()
    for sample in evidence.servers:
        second = load_second(evidence, sample.monotonic_seconds)
        inside = second is not None and level.start_seconds <= second < level.end_seconds
        for key, value in sample.values.items():
            name = (sample.source, key)
            if not key.endswith(COUNTER):
                continue
            if inside:
                seen.add(name)
                if value < last.get(name, value):
                    said = f"{sample.source}.{key} fell from {last[name]:,.0f} to {value:,.0f} at {second:.0f} s"
                    return Finding(False, said, LIMIT, f"{sample.source} was restarted, or its counters were reset")
            last[name] = value
    if seen:
        return Finding(True, f"{len(seen)} counters", LIMIT, "all of them only grew")
    if evidence.manifest.stack == "external" and not last:
        return Finding(None, "–", LIMIT, "no server with counters was named", applies=False)
    return nothing(LIMIT, "no counter of any server was read")


CHECK = LevelCheck("counter-reset", "Servers' counters grow", (Taint.SERVER_SERIES,), look)
