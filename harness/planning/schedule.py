"""When each arrival is meant to start: pure, lazy, seeded (methodology §1).

The rate of a stream is λ(t), its integral Λ(t) = ∫λ. A ``constant`` stream starts its k-th arrival at Λ⁻¹(k). A
``poisson`` stream is Poisson *given its count*: every segment gets exactly the planned number of arrivals, the
fractions carried from one segment to the next, placed as the order statistics of λ within it. So the offered load is
the plan's and not the plan's ± the noise of a Poisson count, while the gaps stay those of a Poisson process.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from random import Random

from harness.model.plan import Arrivals, Held, LoadPlan, Segment, Stream

_ROUNDING = 1e-9
"""Λ is a sum of floats: 1200 arrivals must not become 1199 because it came out as 1199.9999999999998."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One intended start of a session, a chat message or an upload: seconds from the start of the load.

    number: counts the stream's arrivals from 1, its probes separately; with the plan's seed it identifies the arrival,
    so that what the session does depends on it and not on which user happened to be free.
    """

    seconds: float
    flow: str
    number: int
    probe: bool = False

    @property
    def second(self) -> int:
        """The second of the load that the arrival belongs to."""
        return math.floor(self.seconds)


def schedule(plan: LoadPlan) -> Iterator[Arrival]:
    """Every arrival of the plan, in order of time."""
    return heapq.merge(*(_stream_arrivals(stream, plan) for stream in plan.streams), key=attrgetter("seconds"))


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
    for segment in segments:
        before, planned = planned, planned + segment.expected_arrivals
        if arrivals is Arrivals.CONSTANT:
            total = math.floor(planned + _ROUNDING)
            masses: Iterator[float] = (k - before for k in range(given + 1, total + 1))
        else:
            total = math.floor(planned + 0.5 + _ROUNDING)
            masses = (u * segment.expected_arrivals for u in _sorted_uniforms(total - given, random))
        for mass in masses:
            yield segment.start_seconds + inverse_integral(segment, mass)
        given = total


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
