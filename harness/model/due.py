"""What a load plan makes due, counted without drawing a single time: a stream's arrivals are exact (docs/adr/0001)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.model.plan import Arrivals, Level, LoadPlan, Segment
from harness.model.target import FlowKind

_ROUNDING = 1e-9
"""Λ is a sum of floats: 1200 arrivals must not become 1199 because it came out as 1199.9999999999998."""


def segment_counts(segments: Sequence[Segment], arrivals: Arrivals) -> tuple[int, ...]:
    """How many arrivals each of the segments gets; the carried fractions of those before count.

    ``poisson`` rounds the arrivals planned so far to the nearest whole number, ``constant`` down, so a fraction that is
    left at the very end is no arrival.
    """
    planned, given, counts = 0.0, 0, []
    half = 0.5 if arrivals is Arrivals.POISSON else 0.0
    for segment in segments:
        planned += segment.expected_arrivals
        total = math.floor(planned + half + _ROUNDING)
        counts.append(total - given)
        given = total
    return tuple(counts)


def arrivals_due(plan: LoadPlan, level: Level, *, probes: bool = True) -> dict[str, int]:
    """Arrivals of each flow in the level, from its first to its last second; streams are cut at the levels' edges.

    probes: also those outside of the plan's rate.
    """
    due: dict[str, int] = {}
    for stream in plan.streams:
        counts = segment_counts(stream.segments, plan.arrivals)
        inside = sum(
            count
            for segment, count in zip(stream.segments, counts, strict=True)
            if level.start_seconds <= segment.start_seconds and segment.end_seconds <= level.end_seconds
        )
        extra = sum(level.start_seconds <= second < level.end_seconds for second in stream.extra_seconds)
        due[stream.flow] = inside + (extra if probes else 0)
    return due


def http_steps(plan: LoadPlan) -> dict[str, float]:
    """Requests that each arrival of a flow makes; flows over sockets make none."""
    return {flow.name: flow.http_steps for flow in plan.flows if flow.kind is not FlowKind.SOCKETIO}


def events_planned(plan: LoadPlan, level: Level, sli: str) -> tuple[float, str]:
    """How many events an SLI of single events has per second of the level's plateau, and what they are.

    The marked probes are left out: HTTP's own numbers do without them, and how many there are does not grow with time.
    """
    match sli:
        case "socket_reach_ratio" | "socket_delivery_seconds":
            return level.message_rate_per_second * max(plan.room_size - 1, 0), "deliveries"
        case "socket_ack_seconds":
            return level.message_rate_per_second, "messages"
        case "job_end_to_end_seconds" | "jobs_finished_ratio":
            return level.upload_rate_per_second, "uploads"
        case "query_seconds":  # a request makes one at least
            return level.rate.value, "statements"
        case _:
            return level.rate.value, "requests"
