"""Survival of 3x-peak: how long until the system is back inside the normal level's SLO (methodology §10, vector T20).

The plan promises no SLO at 3x-peak, so no response time is judged there. What is judged: no crash, no out-of-memory
kill, no lost acknowledged write (``slis``), and the way back.
"""

from __future__ import annotations

from harness.analysis.coverage import end_seconds
from harness.analysis.exceedances import exceeded
from harness.analysis.observations import Comeback, Observation, Unobserved
from harness.analysis.phases import HTTP_KINDS, measured, rows, whole_seconds
from harness.analysis.rules import recovery_time, window_state
from harness.model.evidence import Evidence
from harness.model.plan import Level, LevelName
from harness.model.samples import RequestRow
from harness.model.slo import Slo

RESPONSE_SLI = "http_response_seconds"
RECOVERY_SLI = "recovery_seconds"
LEAST_N = 5
"""A window of one second with fewer requests says nothing."""


def comeback(evidence: Evidence, level: Level) -> Observation:
    """From the end of the level's measure phase, when the load falls back to normal, to the first of H good seconds in
    a row. A second is good when no more of its requests are bad, or slower than the normal level's critical bound,
    than that SLO allows. H = 10 in the smoke profile, else 30."""
    slo = normal_response_slo(evidence)
    if slo is None or slo.quantile is None:
        return Unobserved("the stage has no response-time SLO for the normal level to come back to")
    bound = slo.critical or slo.warning
    assert bound is not None  # Slo's own invariant
    allowed = 1 - slo.quantile
    consecutive = 10 if evidence.plan.profile == "smoke" else 30
    seconds = whole_seconds(measured(level).end_seconds, min(end_seconds(evidence), watched_until(evidence)))
    if len(seconds) < consecutive:
        return Unobserved(f"only {len(seconds)} s were watched after the load fell")
    by_second: dict[int, list[RequestRow]] = {second: [] for second in seconds}
    for row in rows(evidence, seconds, kinds=HTTP_KINDS, probes=False):
        by_second[row.second].append(row)
    counted: list[tuple[int, int]] = []
    for group in by_second.values():
        # With a bound that was not counted exactly, the careful side is the slower reading.
        bad = sum(exceeded(row, bound.value)[1] for row in group)
        counted.append((bad, sum(row.offered for row in group)))
    good = [window_state(bad, n, allowed, LEAST_N) for bad, n in counted]
    known = sum(state is not None for state in good)
    if known < consecutive:
        return Unobserved(f"only {known} of the {len(good)} s after the load fell saw enough requests to say")
    found = recovery_time(good, 0, consecutive, disturbed_before=True)
    last_bad = max((index + 1.0 for index, state in enumerate(good) if state is False), default=0.0)
    rule = f"{consecutive} good seconds in a row; good: at most {allowed * 100:.3g} % slower than {bound}"
    return Comeback(found, last_bad, tuple(counted), allowed, rule)


def normal_response_slo(evidence: Evidence) -> Slo | None:
    """The normal level's bound on response times."""
    for slo in evidence.subject.stage.slos:
        if slo.sli == RESPONSE_SLI and LevelName.NORMAL.value in slo.levels:
            return slo
    return None


def watched_until(evidence: Evidence) -> float:
    """The end of the last measure phase: in a drain there may be no arrivals."""
    return measured(evidence.plan.levels[-1]).end_seconds
