"""Database statements, as the application's own histogram counts them."""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.exceedances import QUERY_KIND
from harness.analysis.histogram import bucket_index
from harness.analysis.observations import Observation, Times, Unobserved
from harness.analysis.phases import batch_ranges, load_second, measured, seconds_of
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import Distribution, RequestRow, ServerSample

QUERY_PERIOD_SECONDS = 5.0
"""The application is asked once in so long."""


def query_seconds(evidence: Evidence, level: Level) -> Observation:
    """Times of the application's database statements, from the buckets of its own histogram: all of them, none sampled.

    A row of the sampler counts the statements since the row before, some seconds ago.
    """
    seconds = seconds_of(measured(level))
    found = [
        row
        for sample in evidence.servers
        if sample.source == "application" and "queries" in sample.values
        for row in (_query_row(evidence, sample),)
        if row.second in seconds and row.completed
    ]
    ranges = batch_ranges(seconds, max(evidence.plan.batch_seconds, QUERY_PERIOD_SECONDS))
    batches = tuple(tuple(row for row in found if row.second in batch) for batch in ranges)
    if not found:
        return Unobserved("the application's /metrics has no histogram of its statements")
    return Times(batches, tuple(0 for _ in batches), "statements")


def _query_row(evidence: Evidence, sample: ServerSample) -> RequestRow:
    count = round(sample.values["queries"])
    within = {
        float(key.partition(".")[2]): min(count, round(value))
        for key, value in sample.values.items()
        if key.startswith("queries_within.")
    }
    buckets: dict[int, int] = defaultdict(int)
    below = 0
    for edge in sorted(within):
        buckets[bucket_index(round(edge * 1e6))] += max(0, within[edge] - below)
        below = max(below, within[edge])
    if count > below and within:  # over the last edge
        buckets[bucket_index(round(max(within) * 1e6)) + 1] += count - below
    mean = sample.values.get("query_seconds_mean", 0.0)
    times = Distribution(dict(buckets), sum(buckets.values()), mean * count, max(within, default=0.0))
    exceeded = {edge: count - least for edge, least in within.items()}
    second = int(load_second(evidence, sample.monotonic_seconds) or 0)
    return RequestRow(second, "statement", "", QUERY_KIND, count, 0, 0, 0, times, times, exceeded)
