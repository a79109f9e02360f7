"""What watching costs; for information, it taints nothing."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, RunCheck, nothing
from harness.model.evidence import Evidence

LIMIT = 0.02


def look(evidence: Evidence) -> Finding:
    """CPU time of all samplers ÷ time watched, at most 2 % of one core."""
    limit = "at most 2 % of a core"
    times = [sample.monotonic_seconds for sample in evidence.servers]
    if len(times) < 2 or max(times) <= min(times):
        return nothing(limit, "no sampler said what it cost")
    share = sum(sample.cost_seconds for sample in evidence.servers) / (max(times) - min(times))
    good = share <= LIMIT
    return Finding(
        good,
        f"{share * 100:.2g} % of a core",
        limit,
        "watching cost next to nothing" if good else "watching took a share of what was watched",
    )


CHECK = RunCheck("sampling-overhead", "Cost of sampling", (), look)
