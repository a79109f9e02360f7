"""Was the level's load really the planned one?"""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, increase, nothing
from harness.analysis.phases import HTTP_KINDS, load_second, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import OFFERED_TOLERANCE, offered_tolerance, tally
from harness.model.due import arrivals_due, http_steps
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.target import FlowKind
from harness.model.verdict import Taint

ERRORS = 0.01
"""With more bad responses, sessions end before their last step, or wait for it."""
FEW = 100
"""Requests planned in the measure phase. Below, 4 ÷ √requests is more than 40 %, and whole sessions are a larger part
of it than a tolerance for single requests allows for."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Offered HTTP requests per second ÷ planned, within 2 % or within 4 ÷ √requests, which is chance; and those of the
    whole level within 2 % of what its arrivals come to.

    A session's next step waits for the step before: a system that slows down is asked for less. That is no fault of the
    generator's, and shows in errors or in sessions that pile up. Where fewer than 100 requests are planned, one session
    more or less, and when it falls due, move the phase's rate by any factor: then only the level's own count speaks,
    which is exact. Where the level makes no arrival due, none is missing.
    """
    seconds = seconds_of(measured(level))
    offered = tally(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False)).offered
    planned = level.rate.value * len(seconds)
    due = sessions_due(evidence, level)
    if not _offered_in(evidence, level):
        if due:
            return nothing(f"1 ± {OFFERED_TOLERANCE}", f"no request was recorded, though {due:,} arrivals were due")
        if heard(evidence, level):
            return Finding(True, "0", "all that is due", "nothing was due: the plan has no arrival in this level")
        return nothing(f"1 ± {OFFERED_TOLERANCE}", "no request was recorded")
    bad = _bad_share(evidence, level)
    adds_up = bad > ERRORS or _adds_up(evidence, level)
    if planned < FEW:
        said = f"{offered:,} requests, about {planned:.2g} planned, {due:,} arrivals due in the whole level"
        if adds_up:
            return Finding(True, f"{offered:,} requests", "all that is due", f"{said}: too few for a rate")
        return Finding(False, f"{offered:,} requests", "all that is due", f"{said}: their requests do not add up")
    allowed = offered_tolerance(planned)
    limit, value = f"1 ± {allowed:.2g}", f"{offered / planned:.3f}"
    said = f"{offered / len(seconds):.1f}/s offered, {level.rate.value:.1f}/s planned"
    if not adds_up:
        return Finding(False, value, limit, f"{said}: sessions did not make the requests that the plan counts on")
    if abs(offered / planned - 1) <= allowed:
        return Finding(True, value, limit, said)
    if offered < planned and (bad > ERRORS or _piled_up(evidence, level) >= planned - offered):
        return Finding(True, value, limit, f"{said}: the system's slowness held sessions back")
    owed = _under_way(evidence, level.start_seconds) * max(http_steps(evidence.plan).values(), default=0.0)
    if offered > planned and owed >= offered - planned:
        return Finding(True, value, limit, f"{said}: sessions that the level before had held back went on in this one")
    return Finding(False, value, limit, f"{said}: not the load that the verdict is about")


def sessions_due(evidence: Evidence, level: Level) -> int:
    """Arrivals of HTTP sessions and uploads that the level makes due, without the probes."""
    due, steps = arrivals_due(evidence.plan, level, probes=False), http_steps(evidence.plan)
    return sum(count for flow, count in due.items() if flow in steps)


def _offered_in(evidence: Evidence, level: Level) -> int:
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    return tally(rows(evidence, whole, kinds=HTTP_KINDS, probes=False)).offered


def _adds_up(evidence: Evidence, level: Level) -> bool:
    """Whether the level's requests are within 2 % of what its arrivals come to, step by step.

    No chance is left in that, since the number of arrivals is fixed; but sessions that were under way when the level
    began or ended may have made any of their steps in it, one of them unseen between two looks at what was under way,
    and one that met an error may have ended there. How often an upload asks for its job is the system's affair, so that
    uploads are left out.
    """
    uploads = {flow.name for flow in evidence.plan.flows if flow.kind is FlowKind.UPLOAD}
    steps = {flow: each for flow, each in http_steps(evidence.plan).items() if flow not in uploads}
    due = arrivals_due(evidence.plan, level, probes=False)
    meant = sum(due.get(flow, 0) * each for flow, each in steps.items())
    longest = max(steps.values(), default=0.0)
    brought = (1 + _under_way(evidence, level.start_seconds)) * longest
    left = (1 + _under_way(evidence, level.end_seconds)) * longest
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    found = tally(row for row in rows(evidence, whole, kinds=HTTP_KINDS, probes=False) if row.flow not in uploads)
    least = meant * (1 - OFFERED_TOLERANCE) - left - found.bad * longest
    return least <= found.offered <= meant * (1 + OFFERED_TOLERANCE) + brought


def _piled_up(evidence: Evidence, level: Level) -> float:
    """How many requests the sessions may still owe that came under way since the level began."""
    more = increase(evidence, level, lambda sample: sample.in_flight + sample.waiting, since=level.start_seconds)
    return more * max(http_steps(evidence.plan).values(), default=0.0)


def _under_way(evidence: Evidence, second: float) -> int:
    """Of all workers, the most that each said around that second: samples are a second apart."""
    most: dict[str, int] = {}
    for sample in evidence.generator:
        at = load_second(evidence, sample.monotonic_seconds)
        if at is not None and abs(at - second) <= 1:
            most[sample.worker] = max(most.get(sample.worker, 0), sample.in_flight + sample.waiting)
    return sum(most.values())


def _bad_share(evidence: Evidence, level: Level) -> float:
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    total = tally(rows(evidence, whole, kinds=HTTP_KINDS, probes=False))
    return total.bad / total.offered if total.offered else 0.0


CHECK = LevelCheck("offered-rate", "Offered rate ÷ planned", (Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES), look)
