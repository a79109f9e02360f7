"""Did the samplers watch all the time?"""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.checks.base import Finding, LevelCheck, nothing
from harness.analysis.phases import measured, seconds_of, spoken_for
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LIMIT = 0.10


def look(evidence: Evidence, level: Level) -> Finding:
    """Each sampler that ever worked saw at least 90 % of the seconds of the measure phase.

    Fails (and taints) only when every sampler was blind; single gaps already make each row inconclusive that needs
    the missing series.
    """
    limit = "at most 10 % of a phase unseen"
    seconds = seconds_of(measured(level))
    seen: dict[str, set[int]] = defaultdict(set)
    for sample in evidence.servers:
        inside = seen[sample.source]
        if not sample.gap:
            inside.update(second for second in spoken_for(evidence, sample) if second in seconds)
    if not any(seen.values()):
        return nothing(limit, "no sampler saw anything")
    missing = {source: 1 - len(inside) / len(seconds) for source, inside in seen.items()}
    holes = {source: share for source, share in sorted(missing.items()) if share > LIMIT}
    if not holes:
        return Finding(True, f"{len(seen)} samplers, worst {max(missing.values()) * 100:.0f} %", limit, "all watched")
    shown = ", ".join(f"{source} {share * 100:.0f} %" for source, share in holes.items())
    blind = len(holes) == len(seen)
    return Finding(
        not blind,
        shown,
        limit,
        "no sampler watched well enough" if blind else "rows that need these series are inconclusive",
    )


CHECK = LevelCheck("sampler-gaps", "Gaps of the samplers", (Taint.SERVER_SERIES,), look)
