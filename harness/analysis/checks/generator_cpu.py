"""A saturated generator reports its own slowness as the system's."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, nothing
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import GeneratorSample
from harness.model.verdict import Taint

LIMIT = 0.85
SECONDS = 3


def look(evidence: Evidence, level: Level) -> Finding:
    """No worker may need more than 85 % of its core for 3 seconds in a row (methodology §5)."""
    limit = f"at most {LIMIT:.0%} of a core for {SECONDS} s".replace("%", " %")
    workers = heard(evidence, level)
    if not workers:
        return nothing(limit, "the generator said nothing of its CPU")
    sustained, busiest = max((_sustained(samples), name) for name, samples in workers.items())
    good = sustained <= LIMIT
    whose = f", {busiest} of {len(workers)} workers" if len(workers) > 1 else ""
    return Finding(
        good,
        f"{sustained * 100:.0f} % of a core{whose}",
        limit,
        f"its busiest {SECONDS} s"
        if good
        else "the generator was saturated: it cannot tell its own delays from theirs",
    )


def _sustained(samples: list[GeneratorSample]) -> float:
    """What the worker needed at least in each of its busiest seconds in a row."""
    return max(
        min(sample.cpu_ratio for sample in samples[at : at + SECONDS])
        for at in range(max(1, len(samples) - SECONDS + 1))
    )


CHECK = LevelCheck("generator-cpu", "Generator's CPU", (Taint.TIMES, Taint.THROUGHPUT), look)
