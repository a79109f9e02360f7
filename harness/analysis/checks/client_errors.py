"""Mistakes of the generator's own are not the system's."""

from __future__ import annotations

from collections import Counter

from harness.analysis.checks.base import Finding, LevelCheck, before, heard, nothing
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint


def look(evidence: Evidence, level: Level) -> Finding:
    """Any since the level began (no port, no file descriptor, DNS) is too many (methodology §5)."""
    workers, earlier = heard(evidence, level), before(evidence, level.start_seconds)
    if not workers:
        return nothing("none", "the generator said nothing of its errors")
    found: Counter[str] = Counter()
    for worker, samples in workers.items():
        found.update(samples[-1].client_errors)
        if worker in earlier:
            found.subtract(earlier[worker].client_errors)
    kinds = {kind: count for kind, count in found.items() if count > 0}
    if not kinds:
        return Finding(True, "none", "none", "the generator made no mistake of its own")
    shown = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
    return Finding(False, shown, "none", "the generator ran out of something of its own")


CHECK = LevelCheck("client-errors", "Generator's own errors", (Taint.TIMES, Taint.THROUGHPUT), look)
