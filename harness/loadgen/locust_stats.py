"""Locust's own statistics, fed from our rows once a second.

Its listener costs several microseconds for each request (two time stamps, two entries, two dictionaries of rounded
times), more than everything else that is recorded. The summary that Locust prints and what its workers report are the
same when they are told in bulk; only the sizes of the responses are not kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from locust.env import Environment
from locust.stats import RequestStats, StatsError, bucket_response_time

from harness.analysis.histogram import upper_edge_seconds
from harness.model.samples import RequestRow


def silence(environment: Environment) -> None:
    """Take Locust's own listener off the request event: whoever does that feeds its statistics with ``feed``."""
    request: Any = environment.events.request
    for handler in tuple(request._handlers):
        if getattr(handler, "__module__", "") == "locust.runners":
            request.remove_listener(handler)


def feed(stats: RequestStats, rows: Iterable[RequestRow]) -> None:
    """Count what the rows hold. Dropped arrivals are no requests to Locust; failed ones have no time that counts."""
    for row in rows:
        if row.completed + row.errors == 0:
            continue
        rounded: Counter[int] = Counter()
        for bucket, number in row.response.buckets.items():
            rounded[_rounded(bucket)] += number
        for entry in (stats.total, stats.entries[row.endpoint, row.kind]):
            _add(entry, row, rounded)
        for kind, count in row.error_kinds.items():
            key = StatsError.create_key(row.kind, row.endpoint, kind)
            error = stats.errors.setdefault(key, StatsError(row.kind, row.endpoint, kind))
            error.occurred()
            error.occurrences += count - 1


@cache
def _rounded(bucket: int) -> int:
    """The milliseconds that Locust counts a bucket under. There are some thousand buckets at most."""
    milliseconds: int = bucket_response_time(upper_edge_seconds(bucket) * 1000)
    return milliseconds


def _add(entry: Any, row: RequestRow, rounded: Mapping[int, int]) -> None:
    now = time.time()
    second = int(now)
    if entry.use_response_times_cache and entry.last_request_timestamp:
        entry._cache_response_times(second - 1)
    entry.last_request_timestamp = now
    count = row.completed + row.errors
    entry.num_requests += count
    entry.num_none_requests += row.errors
    entry.num_failures += row.errors
    entry.num_reqs_per_sec[second] += count
    if row.errors:
        entry.num_fail_per_sec[second] += row.errors
    times = row.response
    if times.count:
        entry.total_response_time += times.sum_seconds * 1000
        least = upper_edge_seconds(min(times.buckets)) * 1000
        entry.min_response_time = least if entry.min_response_time is None else min(entry.min_response_time, least)
        entry.max_response_time = max(entry.max_response_time, times.max_seconds * 1000)
        for milliseconds, number in rounded.items():
            entry.response_times[milliseconds] += number
