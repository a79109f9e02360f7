"""What the machine and the course of a level allow to be concluded (architecture, "Verdicts")."""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of, spoken_for
from harness.analysis.rates import tally
from harness.model.evidence import Evidence
from harness.model.hostsize import HostSize, compare_host
from harness.model.plan import Level

PRESSURE = 0.10
BUSY = 0.90
THROTTLED = 0.01
"""Seconds in which the stack's own limit held it back for more than this explain pressure by themselves."""
LEAST_FREE = 0.10
"""Of the phase must lie outside of that, else what is left of it says nothing of the whole."""
CARRIED = 0.99


def host_size(evidence: Evidence) -> HostSize:
    """How the host differs from the stage; larger: only with limits not enforced. An external stack's machines are not
    known."""
    if evidence.manifest.stack == "external":
        return HostSize("", "")
    host = evidence.manifest.host
    found = compare_host(evidence.subject.stage, host.cpu_cores, host.memory_bytes)
    return HostSize(found.smaller, "" if evidence.manifest.limits_enforced else found.larger)


def contention(evidence: Evidence, level: Level) -> str:
    """Whether generator and servers were *measured* to fight for the CPU in the level's measure phase, in words.

    The mean of PSI cpu "some" above 10 %, or of the host's busy share above 90 %, over the seconds in which the stack
    was not held back by its own limit. Empty: no contention was measured.
    """
    if evidence.manifest.stack == "external":
        return ""
    seconds = seconds_of(measured(level))
    series: dict[str, dict[int, float]] = defaultdict(dict)
    for sample in evidence.servers:
        spoken = [second for second in spoken_for(evidence, sample) if second in seconds]
        for key, value in sample.values.items():
            series[f"{sample.source}.{key}"].update(dict.fromkeys(spoken, value))
    throttled = series["stack.throttled_ratio"]
    for name, limit, words in (
        ("host.psi_cpu_some_ratio", PRESSURE, "processes waited for a CPU"),
        ("host.cpu_busy_ratio", BUSY, "the host was busy"),
    ):
        free = [value for second, value in series[name].items() if throttled.get(second, 0.0) <= THROTTLED]
        if len(free) >= LEAST_FREE * len(seconds) and sum(free) / len(free) > limit:
            return f"{words} {sum(free) / len(free) * 100:.0f} % of the time"
    return ""


def not_carried(evidence: Evidence, level: Level) -> str:
    """Whether requests failed or were dropped before the servers downstream saw them, in words; empty when not."""
    total = tally(rows(evidence, seconds_of(measured(level)), kinds=HTTP_KINDS, probes=False))
    if total.dropped:
        return f"{total.dropped:,} of {total.offered:,} requests were dropped"
    if total.offered and total.completed < CARRIED * total.offered:
        return f"only {total.completed:,} of {total.offered:,} requests were completed"
    return ""
