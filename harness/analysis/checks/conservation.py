"""Nothing may get lost on the way into the record."""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.checks.base import Finding, RunCheck, nothing
from harness.analysis.coverage import cut_short
from harness.analysis.workers import lost_workers
from harness.model.evidence import Evidence
from harness.model.samples import GeneratorSample
from harness.model.verdict import Taint

LIMIT = "exact"
GAP = "evidence-gap"
"""Event of the master: reports of a worker that never came."""
_ROUNDING = 1e-6
_HANDED_OVER = 10
"""Samples in a row. An arrival may be on its way from the dispatcher to its user in one of them, not in all."""
_UNCOUNTED = ("socket delivery",)
"""Rows that are not requests of the generator's: what others sent arrives."""


def look(evidence: Evidence) -> Finding:
    """Arrivals = completed + failed + dropped + under way, requests likewise; whenever nothing is in flight, the time
    integral of requests in flight = the sum of their service times; and a complete run's rows hold exactly the good
    requests that were counted (methodology §5). Of several workers no report may be missing; what one had still to
    report when it was lost is the business of another check, from then on."""
    workers: dict[str, list[GeneratorSample]] = defaultdict(list)
    for sample in evidence.generator:
        workers[sample.worker].append(sample)
    if not workers:
        return nothing(LIMIT, "the generator said nothing")
    for event in evidence.events:
        if event.name == GAP:
            said = f"{event.detail.get('reports', 'some')} reports of worker {event.detail.get('worker', '?')}"
            return Finding(False, said, LIMIT, "records were lost: they did not come from the worker to the master")
    lost = lost_workers(evidence)
    whole = not cut_short(evidence)
    complete = whole and not lost
    for name, samples in workers.items():
        wrong = _arrivals(samples, whole and name not in lost) or next(filter(None, map(_requests, samples)), "")
        if wrong:
            return Finding(False, wrong, LIMIT, "records were lost: the counts do not add up")
    last = [samples[-1] for samples in workers.values()]
    if complete:
        counted = sum(sample.requests_completed for sample in last)
        recorded = sum(
            row.completed for row in evidence.requests if row.kind != "job" and row.endpoint not in _UNCOUNTED
        )
        if counted != recorded:
            said = f"{counted:,} good requests counted, {recorded:,} recorded"
            return Finding(False, said, LIMIT, "records were lost: the rows do not hold all requests")
    arrivals, requests = sum(each.intended for each in last), sum(each.requests_started for each in last)
    said = f"{arrivals:,} arrivals, {requests:,} requests and messages"
    return Finding(True, said, LIMIT, "every one is accounted for")


def _arrivals(samples: list[GeneratorSample], complete: bool) -> str:
    missing = [
        each.intended - each.completed - each.failed - each.dropped - each.in_flight - each.waiting for each in samples
    ]
    lost = missing[-1] if complete else min(missing[-_HANDED_OVER:])
    if lost or min(missing) < 0:
        return f"{samples[-1].intended:,} arrivals intended, {lost or min(missing):+,} not accounted for"
    return ""


def _requests(sample: GeneratorSample) -> str:
    requests = sample.requests_completed + sample.requests_failed + sample.requests_in_flight
    if requests != sample.requests_started:
        return f"{sample.requests_started:,} requests started, {requests:,} accounted for"
    off = abs(sample.busy_seconds - sample.service_sum_seconds)
    if sample.requests_in_flight == 0 and off > _ROUNDING * max(1.0, sample.busy_seconds):
        return f"{sample.busy_seconds:.3f} s in flight, {sample.service_sum_seconds:.3f} s of service time"
    return ""


CHECK = RunCheck("conservation", "Conservation of requests", (Taint.TIMES, Taint.THROUGHPUT), look)
