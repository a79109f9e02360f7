"""Times of the servers (epoch), of the generator (monotonic) and of its workers on other hosts are compared: all of
these clocks must run alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from harness.analysis.checks.base import Finding, RunCheck, nothing
from harness.analysis.workers import lost_workers
from harness.model.evidence import Evidence
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Taint

LIMIT_SECONDS = 0.05


def look(evidence: Evidence) -> Finding:
    """Wall − monotonic clock, as each event noted both, may move by at most 50 ms (methodology §5), and the clock of no
    worker of another host may be off its translation by more."""
    limit = f"at most {format_quantity(LIMIT_SECONDS, Unit.SECONDS)}"
    offsets = [event.wall_seconds - event.monotonic_seconds for event in evidence.events]
    if len(offsets) < 2:
        return nothing(limit, "fewer than two events noted both clocks")
    drift = max(offsets) - min(offsets)
    good = drift <= LIMIT_SECONDS
    own = Finding(
        good,
        format_quantity(drift, Unit.SECONDS),
        limit,
        "the two clocks ran alike" if good else "the wall clock was set or slewed during the run",
    )
    return own if not good else _of_workers(evidence, limit) or own


def _of_workers(evidence: Evidence, limit: str) -> Finding | None:
    """What is wrong with the clock of a worker, if anything is.

    Its times were translated by the offset measured before the load, known to ± u₀. By the end the offset was another,
    known to ± u₁: then they were wrong by at most the difference + u₁. A clock that was lost with its worker is the
    business of worker-lost.
    """
    seen: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for event in evidence.events:
        if event.name == "worker-clock":
            seen[str(event.detail.get("worker"))][str(event.detail.get("when"))] = event.detail
    lost = lost_workers(evidence)
    for name, clocks in seen.items():
        start, end = clocks.get("start", {}), clocks.get("end", {})
        if "offset_seconds" not in start:
            return Finding(False, f"worker {name}: unknown", limit, "its clock was never compared with the master's")
        uncertainty = float(start["uncertainty_seconds"])
        if uncertainty > LIMIT_SECONDS:
            worst, why = uncertainty, "its messages take too long, or come too unevenly, to know its clock any better"
        elif name in lost:
            continue
        elif "offset_seconds" not in end:
            return Finding(False, f"worker {name}: unknown", limit, "its clock was not compared again at the end")
        else:
            moved = abs(float(end["offset_seconds"]) - float(start["offset_seconds"]))
            worst = moved + float(end["uncertainty_seconds"])
            why = "its clock ran otherwise than the master's" if moved > LIMIT_SECONDS else "nobody can tell"
        if worst > LIMIT_SECONDS:
            return Finding(False, f"worker {name}: up to {format_quantity(worst, Unit.SECONDS)}", limit, why)
    return None


CHECK = RunCheck("clock-drift", "Drift between the clocks", (Taint.TIMES,), look)
