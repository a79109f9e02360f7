"""When each arrival is meant to start: pure, lazy, seeded (methodology §1).

The rate of a stream is λ(t), its integral Λ(t) = ∫λ. A ``constant`` stream starts its k-th arrival at Λ⁻¹(k). A
``poisson`` stream is Poisson *given its count*: every segment gets exactly the planned number of arrivals, the
fractions carried from one segment to the next, placed as the order statistics of λ within it. So the offered load is
the plan's and not the plan's ± the noise of a Poisson count, while the gaps stay those of a Poisson process.

Several workers share one schedule out among them: each walks the whole of it and takes its ``Shard``, so that what they
offer together is exactly what one worker would have offered alone.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from random import Random

from harness.model.due import segment_counts
from harness.model.plan import Arrivals, Held, LoadPlan, Segment, Stream
from harness.model.target import FlowKind

_ROUNDING = 1e-9
"""A share of a straight line is a quotient of floats: 12 sockets must not become 11 because it came out as 11.999…"""


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of the load that one worker carries: every ``workers``-th of what is counted, beginning at ``worker``.

    Arrivals are counted within their stream, sockets by their room: a room is kept whole, since deliveries are expected
    by the process that knows who sits in it.
    """

    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.worker < self.workers:
            raise ValueError(f"there is no worker {self.worker} of {self.workers}")

    def takes(self, number: int) -> bool:
        """Whether what has that number, counted from 0, is this worker's."""
        return number % self.workers == self.worker

    def share(self, count: int) -> int:
        """How many of the numbers below ``count`` it takes."""
        return (count - self.worker + self.workers - 1) // self.workers


WHOLE = Shard()
"""One worker carries everything."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One intended start of a session, a chat message or an upload: seconds from the start of the load.

    number: counts the stream's arrivals from 1, its probes separately; with the plan's seed it identifies the arrival,
    so that what the session does depends on it and not on which user happened to be free.
    room: where a chat message is to be said, counted from 0 among the rooms that the plan holds then; 0 for the rest.
    """

    seconds: float
    flow: str
    number: int
    probe: bool = False
    room: int = 0

    @property
    def second(self) -> int:
        """The second of the load that the arrival belongs to."""
        return math.floor(self.seconds)


def schedule(plan: LoadPlan, shard: Shard = WHOLE) -> Iterator[Arrival]:
    """Every arrival of the plan that the shard takes, in order of time."""
    spoken = {flow.name for flow in plan.flows if flow.kind is FlowKind.SOCKETIO}
    streams = (
        _messages(stream, plan, shard) if stream.flow in spoken else _sessions(stream, plan, shard)
        for stream in plan.streams
    )
    return heapq.merge(*streams, key=attrgetter("seconds"))


def _sessions(stream: Stream, plan: LoadPlan, shard: Shard) -> Iterator[Arrival]:
    return (arrival for arrival in _stream_arrivals(stream, plan) if shard.takes(arrival.number - 1))


def _messages(stream: Stream, plan: LoadPlan, shard: Shard) -> Iterator[Arrival]:
    """The worker that holds the room says the message. Which room does not depend on who has come by then, so that it
    is the same however many workers there are."""
    for arrival in _stream_arrivals(stream, plan):
        rooms = math.ceil(held_at(plan.held, arrival.seconds) / plan.room_size)
        room = Random(f"{plan.seed}/{stream.flow}/room/{arrival.number}").randrange(rooms) if rooms else 0
        if shard.takes(room if rooms else arrival.number - 1):
            yield replace(arrival, room=room)


def _stream_arrivals(stream: Stream, plan: LoadPlan) -> Iterator[Arrival]:
    times = arrival_times(stream.segments, plan.arrivals, Random(f"{plan.seed}/{stream.flow}"))
    regular = (Arrival(seconds, stream.flow, number) for number, seconds in enumerate(times, start=1))
    probes = (
        Arrival(seconds, stream.flow, number, probe=True)
        for number, seconds in enumerate(sorted(stream.extra_seconds), start=1)
    )
    return heapq.merge(regular, probes, key=attrgetter("seconds"))


def arrival_times(segments: Sequence[Segment], arrivals: Arrivals, random: Random) -> Iterator[float]:
    """The intended starts within the segments, which follow each other in time, in seconds from the start of the load.

    ``poisson`` rounds the arrivals planned so far to the nearest whole number, ``constant`` takes Λ⁻¹(k) as it is, so a
    fraction that is left at the very end is no arrival.
    """
    planned = 0.0
    given = 0
    for segment, count in zip(segments, segment_counts(segments, arrivals), strict=True):
        before, planned = planned, planned + segment.expected_arrivals
        if arrivals is Arrivals.CONSTANT:
            masses: Iterator[float] = (k - before for k in range(given + 1, given + count + 1))
        else:
            masses = (u * segment.expected_arrivals for u in _sorted_uniforms(count, random))
        for mass in masses:
            yield segment.start_seconds + inverse_integral(segment, mass)
        given += count


def inverse_integral(segment: Segment, mass: float) -> float:
    """Seconds from the segment's start until ``mass`` arrivals are due: Λ⁻¹ of a linear rate.

    t = (−r0 + √(r0² + 4cm)) / 2c with c = (r1 − r0)/2T, written so that c may be 0 (a plateau) or negative.
    """
    length = segment.end_seconds - segment.start_seconds
    start_rate = segment.start_rate_per_second
    curvature = (segment.end_rate_per_second - start_rate) / (2 * length)
    divisor = start_rate + math.sqrt(max(0.0, start_rate * start_rate + 4 * curvature * mass))
    return min(length, max(0.0, 2 * mass / divisor)) if divisor > 0 else 0.0


def _sorted_uniforms(count: int, random: Random) -> Iterator[float]:
    """``count`` uniform numbers of [0, 1) in ascending order, without keeping them: the smallest of n is 1 − V^(1/n),
    and those above it are again uniform on what is left."""
    value = 0.0
    for left in range(count, 0, -1):
        value += (1.0 - value) * (1.0 - (1.0 - random.random()) ** (1.0 / left))
        yield value


def held_changes(held: Held) -> Iterator[tuple[float, int]]:
    """When a socket is to be opened (+1) or closed (−1), along the straight lines of the curve, in order of time.

    What the first point holds already is opened at its time.
    """
    if not held.points:
        return
    first_seconds, first_count = held.points[0]
    for _ in range(first_count):
        yield first_seconds, +1
    for (start, before), (end, after) in pairwise(held.points):
        steps = abs(after - before)
        for step in range(1, steps + 1):
            yield start + (end - start) * step / steps, (1 if after > before else -1)


def held_at(held: Held, seconds: float) -> int:
    """How many sockets the curve holds at that time, as ``held_changes`` has opened and closed them by then."""
    if not held.points or seconds < held.points[0][0]:
        return 0
    count = held.points[-1][1]
    for (start, before), (end, after) in pairwise(held.points):
        if start <= seconds < end:
            done = math.floor(abs(after - before) * (seconds - start) / (end - start) + _ROUNDING)
            count = before + (done if after > before else -done)
    return count


@dataclass(frozen=True, slots=True)
class SeatChange:
    """A socket is opened or closed. index: counts the open sockets from 0; whoever came last goes first."""

    seconds: float
    index: int
    room: int
    opens: bool


def seat_changes(held: Held, room_size: int, shard: Shard = WHOLE) -> Iterator[SeatChange]:
    """The changes of the curve in the rooms that the shard takes, in order of time."""
    count = 0
    for seconds, change in held_changes(held):
        index = count if change > 0 else count - 1
        count += change
        if shard.takes(index // room_size):
            yield SeatChange(seconds, index, index // room_size, change > 0)


def most_seats(held: Held, room_size: int, shard: Shard = WHOLE) -> int:
    """The most sockets that the shard holds at once."""
    most = max((count for _, count in held.points), default=0)
    return sum(shard.takes(index // room_size) for index in range(most))
