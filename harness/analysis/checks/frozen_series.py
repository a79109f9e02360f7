"""A server's numbers that stand still while it answers requests are not its numbers any more."""

from __future__ import annotations

import math

from harness.analysis.checks.base import Finding, LevelCheck, nothing
from harness.analysis.histogram import count_over
from harness.analysis.phases import HTTP_KINDS, load_second, measured, rows
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import ServerSample
from harness.model.verdict import Taint

LOAD_COUNTERS = (("nginx", "requests_total"), ("application", "requests_total"))
"""Counters that have to move whenever a request is answered. All other series may rightly be constant."""
ENOUGH = 20
"""Answers between two equal readings. A proxy may answer a few by itself, and a reading takes a moment."""
LIMIT = f"every counter moves within {ENOUGH} answers"


def look(evidence: Evidence, level: Level) -> Finding:
    """Between two equal readings of a request counter fewer than 20 good answers were begun and received.

    Only a request whose whole life lies between the two readings counts, so that a server that really stands still for
    a while is not called a liar.
    """
    known = [name for name in LOAD_COUNTERS if any(_reads(sample, *name) for sample in evidence.servers)]
    if not known:
        if evidence.manifest.stack == "external":
            return Finding(None, "–", LIMIT, "no counter of requests was named", applies=False)
        return nothing(LIMIT, "no counter of requests was read")
    seen = 0
    for source, key in known:
        readings = _readings(evidence, level, source, key)
        seen += len(readings) >= 2
        for start, end in _still(readings):
            answers = _answers_within(evidence, start, end)
            if answers >= ENOUGH:
                said = f"{source}.{key} unchanged {start:.0f}–{end:.0f} s, {answers:,} answers"
                return Finding(False, said, LIMIT, f"the numbers of {source} stood still while it answered")
    if not seen:
        return nothing(LIMIT, "too few readings of any counter of requests")
    names = ", ".join(f"{source}.{key}" for source, key in known)
    return Finding(True, names, LIMIT, "the counters moved with the load")


def _reads(sample: ServerSample, source: str, key: str) -> bool:
    return sample.source == source and key in sample.values


def _readings(evidence: Evidence, level: Level, source: str, key: str) -> list[tuple[float, float]]:
    """When, in seconds of the load, and what, over the level's measure phase."""
    phase = measured(level)
    found = []
    for sample in evidence.servers:
        if _reads(sample, source, key):
            second = load_second(evidence, sample.monotonic_seconds)
            if second is not None and phase.start_seconds <= second < phase.end_seconds:
                found.append((second, sample.values[key]))
    return found


def _still(readings: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The longest stretches between equal readings."""
    stretches: list[tuple[float, float]] = []
    start = 0
    for index in range(1, len(readings) + 1):
        if index == len(readings) or readings[index][1] != readings[start][1]:
            if index - 1 > start:
                stretches.append((readings[start][0], readings[index - 1][0]))
            start = index
    return stretches


def _answers_within(evidence: Evidence, start: float, end: float) -> int:
    """Good answers of requests meant to begin after the start and received before the end, at the least."""
    seconds = range(math.ceil(start), max(math.ceil(start), math.floor(end)))
    total = 0
    for row in rows(evidence, seconds, kinds=HTTP_KINDS):
        _, late = count_over(row.response, end - (row.second + 1))
        total += max(0, row.completed - late)
    return total


CHECK = LevelCheck("frozen-series", "Servers' counters move", (Taint.SERVER_SERIES,), look)
