"""Was the level's load really the planned one?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, increase, nothing
from harness.analysis.intervals import mean_interval
from harness.analysis.phases import HTTP_KINDS, batch_ranges, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import tally, tally_by_second
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.target import FlowKind
from harness.model.verdict import Taint

LIMIT = 0.02
_SURE = 0.005
"""Beyond 2 % the difference must also be more than chance: sessions cross the phase's edges."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Offered HTTP requests per second ÷ planned, within 2 % or within what the spread of the batches explains.

    A session's next step waits for the step before: a system that slows down is asked for less. That is no fault of the
    generator's, and shows in errors, in sessions that pile up, or in a level that makes up for it in its drain.
    """
    limit = "1 ± 0.02"
    seconds = seconds_of(measured(level))
    tallies = tally_by_second(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False), seconds)
    offered = sum(each.offered for each in tallies)
    planned = level.rate.value
    if not offered or planned <= 0:
        return nothing(limit, "no request was recorded")
    rate = offered / len(seconds)
    value = f"{rate / planned:.3f}"
    said = f"{rate:.1f}/s offered, {planned:.1f}/s planned"
    if abs(rate / planned - 1) <= LIMIT:
        return Finding(True, value, limit, said)
    spread = mean_interval(
        [
            sum(tallies[second - seconds.start].offered for second in batch) / len(batch)
            for batch in batch_ranges(seconds, evidence.plan.batch_seconds)
        ],
        _SURE,
    )
    if spread is not None and spread.lower <= planned * (1 + LIMIT) and spread.upper >= planned * (1 - LIMIT):
        return Finding(True, value, limit, f"{said}: no more than sessions across the phase's edges explain")
    if rate < planned and _slowed(evidence, level, planned * len(seconds) - offered):
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
