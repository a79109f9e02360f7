"""Was the level's load really the planned one?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, before, increase, nothing
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import OFFERED_TOLERANCE, offered_tolerance, tally
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.target import FlowKind
from harness.model.verdict import Taint

ERRORS = 0.01
"""With more bad responses, sessions end before their last step, or wait for it."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Offered HTTP requests per second ÷ planned, within 2 % or within 4 ÷ √requests, which is chance; and those of the
    whole level within 2 % of what its arrivals come to.

    A session's next step waits for the step before: a system that slows down is asked for less. That is no fault of the
    generator's, and shows in errors or in sessions that pile up.
    """
    seconds = seconds_of(measured(level))
    offered = tally(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False)).offered
    planned = level.rate.value * len(seconds)
    if not offered or planned <= 0:
        return nothing(f"1 ± {OFFERED_TOLERANCE}", "no request was recorded")
    allowed = offered_tolerance(planned)
    limit, value = f"1 ± {allowed:.2g}", f"{offered / planned:.3f}"
    said = f"{offered / len(seconds):.1f}/s offered, {level.rate.value:.1f}/s planned"
    bad = _bad_share(evidence, level)
    if bad <= ERRORS and not _adds_up(evidence, level):
        return Finding(False, value, limit, f"{said}: sessions did not make the requests that the plan counts on")
    if abs(offered / planned - 1) <= allowed:
        return Finding(True, value, limit, said)
    if offered < planned and (bad > ERRORS or _piled_up(evidence, level) >= planned - offered):
        return Finding(True, value, limit, f"{said}: the system's slowness held sessions back")
    owed = _under_way(evidence, level.start_seconds) * max(_steps(evidence).values(), default=0.0)
    if offered > planned and owed >= offered - planned:
        return Finding(True, value, limit, f"{said}: sessions that the level before had held back went on in this one")
    return Finding(False, value, limit, f"{said}: not the load that the verdict is about")


def _adds_up(evidence: Evidence, level: Level) -> bool:
    """Whether the level's requests are within 2 % of what its arrivals come to, step by step.

    No chance is left in that, since the number of arrivals is fixed; but sessions that were under way when the level
    began or ended may have made any of their steps in it.
    """
    steps = _steps(evidence)
    meant = sum(
        segment.expected_arrivals * steps.get(stream.flow, 0.0)
        for stream in evidence.plan.streams
        for segment in stream.segments
        if level.start_seconds <= segment.start_seconds and segment.end_seconds <= level.end_seconds
    )
    longest = max(steps.values(), default=0.0)
    brought = _under_way(evidence, level.start_seconds) * longest
    left = _under_way(evidence, level.end_seconds) * longest
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    total = tally(rows(evidence, whole, kinds=HTTP_KINDS, probes=False)).offered
    return meant * (1 - OFFERED_TOLERANCE) - left <= total <= meant * (1 + OFFERED_TOLERANCE) + brought


def _piled_up(evidence: Evidence, level: Level) -> float:
    """How many requests the sessions may still owe that came under way since the level began."""
    more = increase(evidence, level, lambda sample: sample.in_flight + sample.waiting, since=level.start_seconds)
    return more * max(_steps(evidence).values(), default=0.0)


def _under_way(evidence: Evidence, second: float) -> int:
    return sum(sample.in_flight + sample.waiting for sample in before(evidence, second + 0.5).values())


def _steps(evidence: Evidence) -> dict[str, float]:
    return {flow.name: flow.http_steps for flow in evidence.plan.flows if flow.kind is not FlowKind.SOCKETIO}


def _bad_share(evidence: Evidence, level: Level) -> float:
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    total = tally(rows(evidence, whole, kinds=HTTP_KINDS, probes=False))
    return total.bad / total.offered if total.offered else 0.0


CHECK = LevelCheck("offered-rate", "Offered rate ÷ planned", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look)
