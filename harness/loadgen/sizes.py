"""How many users each flow gets: pure."""

from __future__ import annotations

import math

from harness.model.plan import LoadPlan, Segment, Stream
from harness.model.target import Flow, FlowKind
from harness.planning.schedule import WHOLE, Shard, most_seats

_LEAST_USERS = 4
_TYPICAL_STEP_SECONDS = 0.2
"""Response time assumed when the users are divided among the flows; only their proportions depend on it."""


def pool_sizes(plan: LoadPlan, shard: Shard = WHOLE) -> dict[str, int]:
    """How many users each flow gets in one worker. The workers' add up to what one worker would have alone, but for the
    odd user: nobody takes half an upload, and every flow has one at least.

    HTTP flows share ``max_in_flight`` in proportion to the sessions that each has under way (Little: its highest
    arrival rate × the length of a session). Uploads get a user for each that can be under way while jobs are waited
    for, sockets one each, and some more for those that are still hanging up.
    """
    low, high = plan.think_seconds
    sizes: dict[str, int] = {}
    lengths: dict[str, float] = {}
    for flow in plan.flows:
        stream = next((stream for stream in plan.streams if stream.flow == flow.name), Stream(flow.name, ()))
        top = max((_top(segment) for segment in stream.segments), default=0.0)
        if flow.kind is FlowKind.HTTP:
            session = flow.http_steps * _TYPICAL_STEP_SECONDS + max(0.0, flow.http_steps - 1) * (low + high) / 2
            lengths[flow.name] = top * session
        elif flow.kind is FlowKind.UPLOAD:
            count = sum(segment.expected_arrivals for segment in stream.segments) + len(stream.extra_seconds)
            open_at_once = top * plan.job_timeout_seconds + len(stream.extra_seconds)
            users = min(plan.max_in_flight, max(_LEAST_USERS, math.ceil(min(count, open_at_once)) + 1))
            # Of any few uploads that follow each other, each worker has its part, rounded up.
            sizes[flow.name] = math.ceil(users / shard.workers)
        else:
            sockets = most_seats(plan.held, plan.room_size, shard)
            sizes[flow.name] = sockets + max(_LEAST_USERS, sockets // 10)
    total = sum(lengths.values())
    for name, length in lengths.items():
        users = max(_LEAST_USERS, round(plan.max_in_flight * length / total)) if total else _LEAST_USERS
        sizes[name] = max(1, shard.share(users))
    return sizes


def arrives(plan: LoadPlan, flow: Flow) -> bool:
    """Whether the plan has any arrival of that flow."""
    return any(
        stream.flow == flow.name and (stream.extra_seconds or any(_top(segment) for segment in stream.segments))
        for stream in plan.streams
    )


def _top(segment: Segment) -> float:
    return max(segment.start_rate_per_second, segment.end_rate_per_second)
