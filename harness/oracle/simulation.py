"""Queues in simulated time: what servers of known behaviour would answer, as the recorder would have written it.

Pure: arrivals come from the scheduler of real runs (``planning.schedule``), the rows go to the judge of real runs. An
hour of a server takes a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heapreplace
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from harness.analysis.observations import Times
from harness.analysis.phases import batch_ranges
from harness.model.plan import Arrivals, Segment
from harness.model.samples import Distribution, RequestRow
from harness.planning.schedule import arrival_times

Seconds = NDArray[np.float64]


def plateau(
    rate_per_second: float, seconds: float, batch_seconds: float, start_seconds: float = 0.0
) -> tuple[Segment, ...]:
    """A flat rate for so many seconds, cut at the batches as a load plan does (ADR 1)."""
    number = max(1, round(seconds / batch_seconds))
    edges = [start_seconds + seconds * index / number for index in range(number + 1)]
    return tuple(Segment(start, end, rate_per_second, rate_per_second) for start, end in pairwise(edges))


def arrive(segments: Sequence[Segment], random: Random, arrivals: Arrivals = Arrivals.POISSON) -> Seconds:
    """The intended starts that the generator would offer, in order."""
    return np.fromiter(arrival_times(segments, arrivals, random), dtype=np.float64)


def respond(
    arrival_seconds: Seconds,
    service_seconds: Seconds,
    servers: int = 1,
    stalls: Sequence[tuple[float, float]] = (),
) -> Seconds:
    """Response times of a first-come-first-served queue with c servers.

    arrival_seconds: in order. service_seconds: of each arrival. stalls: windows (from, to), in order and
    apart from each other, in which all servers stand still, whatever they hold.
    """
    if not stalls:
        return np.subtract(_departures(arrival_seconds, service_seconds, servers), arrival_seconds)
    # In the time that leaves the stalls out, the servers never stand still.
    starts = np.array([start for start, _ in stalls], dtype=np.float64)
    ends = np.array([end for _, end in stalls], dtype=np.float64)
    lost = np.concatenate([[0.0], np.cumsum(ends - starts)])  # by the end of so many stalls
    begun = np.searchsorted(starts, arrival_seconds, side="right")
    into = np.maximum(0.0, ends[begun - 1] - arrival_seconds) * (begun > 0)
    running = arrival_seconds - lost[begun] + into
    left = _departures(running, service_seconds, servers)
    # What ends just as a stall begins has ended.
    return np.asarray(left + lost[np.searchsorted(starts - lost[:-1], left, side="left")] - arrival_seconds)


def _departures(arrivals: Seconds, services: Seconds, servers: int) -> Seconds:
    if servers == 1:  # Lindley: Dₙ = max over k ≤ n of (Aₖ + Sₖ + … + Sₙ)
        work = np.cumsum(services)
        return np.asarray(work + np.maximum.accumulate(arrivals - (work - services)))
    free = [0.0] * servers  # Kiefer and Wolfowitz: when each server is free, as a heap
    left = []
    for arrival, service in zip(arrivals.tolist(), services.tolist(), strict=True):
        soonest = free[0]
        end = (arrival if arrival > soonest else soonest) + service
        heapreplace(free, end)
        left.append(end)
    return np.array(left, dtype=np.float64)


def record(
    arrival_seconds: Seconds,
    response_seconds: Seconds,
    thresholds_seconds: Sequence[float],
    *,
    timeout_seconds: float = math.inf,
    endpoint: str = "GET /",
    flow: str = "oracle",
    kind: str = "http",
) -> tuple[RequestRow, ...]:
    """What the recorder would have written: one row for each second of intended time. Answers later than the timeout
    are errors, above every threshold. Service times are the response times: every arrival started on time."""
    if not len(arrival_seconds):
        return ()
    order = np.floor(arrival_seconds).astype(np.int64)
    seconds, firsts = np.unique(order, return_index=True)
    good = response_seconds <= timeout_seconds
    microseconds = (response_seconds * 1e6).astype(np.int64)
    buckets = _bucket_indices(microseconds)
    over = [(response_seconds > threshold) | ~good for threshold in thresholds_seconds]
    rows = []
    for second, first, last in zip(seconds.tolist(), firsts, [*firsts[1:], len(order)], strict=True):
        part = slice(first, last)
        answered = good[part]
        index, count = np.unique(buckets[part][answered], return_counts=True)
        times = microseconds[part][answered]
        completed = len(times)
        found = Distribution(
            dict(zip(index.tolist(), count.tolist(), strict=True)),
            completed,
            int(times.sum()) / 1e6,
            int(times.max(initial=0)) / 1e6,
        )
        errors = int(last - first) - completed
        rows.append(
            RequestRow(
                second=second,
                endpoint=endpoint,
                flow=flow,
                kind=kind,
                completed=completed,
                errors=errors,
                dropped=0,
                late=0,
                response=found,
                service=found,
                exceeded={
                    threshold: int(np.count_nonzero(each[part]))
                    for threshold, each in zip(thresholds_seconds, over, strict=True)
                },
                error_kinds={"timeout": errors} if errors else {},
            )
        )
    return tuple(rows)


def _bucket_indices(microseconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """``histogram.bucket_index`` of many: e = bit_length − 8 from the float's own exponent (exact below 2⁵³)."""
    shift = np.maximum(0, np.frexp(microseconds.astype(np.float64))[1].astype(np.int64) - 8)
    return np.asarray((shift << 7) + (microseconds >> shift))


def observe(rows: Sequence[RequestRow], seconds: range, batch_seconds: float) -> Times:
    """The rows of the measured seconds as the SLI of response times hands them to ``decide``."""
    batches = tuple(tuple(row for row in rows if row.second in batch) for batch in batch_ranges(seconds, batch_seconds))
    return Times(batches, (0,) * len(batches), "requests", batch_seconds=batch_seconds)


def in_flight(arrival_seconds: Seconds, response_seconds: Seconds, at_seconds: Seconds) -> NDArray[np.int64]:
    """How many requests were under way at each of those times."""
    ends = np.sort(arrival_seconds + response_seconds)
    begun = np.searchsorted(arrival_seconds, at_seconds, side="right")
    return np.asarray(begun - np.searchsorted(ends, at_seconds, side="right"))
