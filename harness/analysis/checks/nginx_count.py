"""An independent count of the requests: nginx's own."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, heard, nothing
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import tally
from harness.model.due import arrivals_due, http_steps
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LIMIT = 0.02
_NEVER_ARRIVED = ("connection refused", "connection reset", "TLS error", "network error")
"""Errors of requests that nginx may never have seen."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Requests in nginx's log ÷ requests sent, probes on both sides, within 2 % or one request.

    Where late requests moved over the measure phase's edge, the level as a whole must agree. So it must where none fell
    into the measure phase; where the level makes none due, both counts are 0.
    """
    limit = "1 ± 0.02"
    if evidence.manifest.stack == "external":
        return Finding(None, "–", limit, "an external stack keeps its own log", applies=False)
    if evidence.nginx_requests is None:
        return nothing(limit, "there is no log of nginx's to count in")
    phase = seconds_of(measured(level))
    whole = whole_seconds(level.start_seconds, level.end_seconds)
    counted, sent = _counts(evidence, phase)
    if not sent and not _counts(evidence, whole)[1]:
        due = arrivals_due(evidence.plan, level)
        if any(due.get(flow, 0) for flow in http_steps(evidence.plan)) or not heard(evidence, level):
            return nothing(limit, "no request was recorded")
        if not counted:
            return Finding(True, "0 of 0", limit, "nothing was due, and nginx logged nothing")
    value = f"{counted / sent:.3f}" if sent else f"{counted:,} of {sent:,}"
    said = f"nginx logged {counted:,} of {sent:,} requests"
    if _agree(evidence, phase):
        return Finding(True, value, limit, said)
    if _agree(evidence, whole):
        return Finding(True, value, limit, f"{said}; over the whole level the counts agree: some began late")
    return Finding(False, value, limit, f"{said}: one of the two counts is wrong")


def _agree(evidence: Evidence, seconds: range) -> bool:
    counted, sent = _counts(evidence, seconds)
    group = rows(evidence, seconds, kinds=HTTP_KINDS)
    absent = sum(count for row in group for kind, count in row.error_kinds.items() if kind in _NEVER_ARRIVED)
    slack = max(1.0, LIMIT * sent)
    return sent - slack - absent <= counted <= sent + slack


def _counts(evidence: Evidence, seconds: range) -> tuple[int, int]:
    counted = sum(count for second, count in evidence.nginx_requests or () if second in seconds)
    total = tally(rows(evidence, seconds, kinds=HTTP_KINDS))
    return counted, total.completed + total.errors


CHECK = LevelCheck("nginx-count", "nginx's count ÷ ours", (Taint.TIMES, Taint.THROUGHPUT), look)
