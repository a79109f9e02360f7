"""Was the level's load really the planned one?"""

from __future__ import annotations

import math

from harness.analysis.checks.base import Finding, LevelCheck, increase, nothing
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import tally
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.target import FlowKind
from harness.model.verdict import Taint

LIMIT = 0.02
CHANCE = 4.0
"""Beyond 2 %, the difference must also be more than chance: sessions begin at random and cross the phase's edges. Their
requests scatter by 1.3 standard errors of a Poisson count (simulated: six steps, pauses of 0.5 to 1 s)."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Offered HTTP requests per second ÷ planned, within 2 % or within 4 ÷ √requests, which is chance.

    A session's next step waits for the step before: a system that slows down is asked for less. That is no fault of the
    generator's, and shows in errors, in sessions that pile up, or in a level that makes up for it in its drain.
    """
    seconds = seconds_of(measured(level))
    offered = tally(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False)).offered
    planned = level.rate.value * len(seconds)
    if not offered or planned <= 0:
        return nothing(f"1 ± {LIMIT}", "no request was recorded")
    allowed = max(LIMIT, CHANCE / math.sqrt(planned))
    limit, value = f"1 ± {allowed:.2g}", f"{offered / planned:.3f}"
    said = f"{offered / len(seconds):.1f}/s offered, {level.rate.value:.1f}/s planned"
    if abs(offered / planned - 1) <= allowed:
        return Finding(True, value, limit, said)
    if offered < planned and _slowed(evidence, level, planned - offered):
        return Finding(True, value, limit, f"{said}: the system's slowness held sessions back")
    return Finding(False, value, limit, f"{said}: not the load that the verdict is about")


def _slowed(evidence: Evidence, level: Level, shortfall: float) -> bool:
    steps = {flow.name: flow.http_steps for flow in evidence.plan.flows if flow.kind is not FlowKind.SOCKETIO}
    piled_up = increase(evidence, level, lambda sample: sample.in_flight + sample.waiting, since=level.start_seconds)
    if piled_up * max(steps.values(), default=1.0) >= shortfall:
        return True
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    total = tally(rows(evidence, whole, kinds=HTTP_KINDS, probes=False))
    if total.bad > 0.01 * total.offered:
        return True
    meant = sum(
        segment.expected_arrivals * steps.get(stream.flow, 0.0)
        for stream in evidence.plan.streams
        for segment in stream.segments
        if level.start_seconds <= segment.start_seconds and segment.end_seconds <= level.end_seconds
    )
    return meant > 0 and abs(total.offered / meant - 1) <= LIMIT


CHECK = LevelCheck("offered-rate", "Offered rate ÷ planned", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look)
