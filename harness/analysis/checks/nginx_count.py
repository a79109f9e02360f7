"""An independent count of the requests: nginx's own."""

from __future__ import annotations

from harness.analysis.checks.base import Finding, LevelCheck, nothing
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of, whole_seconds
from harness.analysis.rates import tally
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.verdict import Taint

LIMIT = 0.02
_NEVER_ARRIVED = ("connection refused", "connection reset", "TLS error", "network error")
"""Errors of requests that nginx may never have seen."""


def look(evidence: Evidence, level: Level) -> Finding:
    """Requests in nginx's log ÷ requests sent, probes on both sides, within 2 %.

    Where late requests moved over the measure phase's edge, the level as a whole must agree.
    """
    limit = "1 ± 0.02"
    if evidence.manifest.stack == "external":
        return Finding(None, "–", limit, "an external stack keeps its own log", applies=False)
    if evidence.nginx_requests is None:
        return nothing(limit, "there is no log of nginx's to count in")
    phase = seconds_of(measured(level))
    counted, sent = _counts(evidence, phase)
    if not sent:
        return nothing(limit, "no request was recorded")
    value = f"{counted / sent:.3f}"
    said = f"nginx logged {counted:,} of {sent:,} requests"
    if _agree(evidence, phase):
        return Finding(True, value, limit, said)
    if _agree(evidence, whole_seconds(level.start_seconds, level.end_seconds)):
        return Finding(True, value, limit, f"{said}; over the whole level the counts agree: some began late")
    return Finding(False, value, limit, f"{said}: one of the two counts is wrong")


def _agree(evidence: Evidence, seconds: range) -> bool:
    counted, sent = _counts(evidence, seconds)
    group = rows(evidence, seconds, kinds=HTTP_KINDS)
    absent = sum(count for row in group for kind, count in row.error_kinds.items() if kind in _NEVER_ARRIVED)
    return sent * (1 - LIMIT) - absent <= counted <= sent * (1 + LIMIT)


def _counts(evidence: Evidence, seconds: range) -> tuple[int, int]:
    counted = sum(count for second, count in evidence.nginx_requests or () if second in seconds)
    total = tally(rows(evidence, seconds, kinds=HTTP_KINDS))
    return counted, total.completed + total.errors


CHECK = LevelCheck("nginx-count", "nginx's count ÷ ours", (Taint.TIMES, Taint.THROUGHPUT), look)
