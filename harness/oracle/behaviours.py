"""Servers that know a request's fate when it arrives. Pure: parameters, and from them a seeded behaviour.

A behaviour is a function of the arrival's time (CLOCK_MONOTONIC, never going backwards); what it needs to remember it
closes over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from harness.oracle.options import above_zero, at_least, count, milliseconds, number, share
from harness.oracle.stations import Fate, Station

Behaviour = Callable[[float], Fate]
"""From a request's arrival to its fate."""

_SERVICE = "Service time."
_MEAN_SERVICE = "Mean service time; exponentially distributed."


class Parameters(Protocol):
    """What the parameters of each of these servers can do."""

    def behaviour(self, random: Random) -> Behaviour:
        """A server from now on, nothing in it yet."""


@dataclass(frozen=True, slots=True)
class Mmc:
    """M/M/c: one line, c servers, exponential service times. Capacity c ÷ mean service time."""

    servers: int = count("servers", 2, "Requests in service at once; the rest wait in one line.")
    service_seconds: float = milliseconds("service-ms", 0.010, _MEAN_SERVICE)

    def __post_init__(self) -> None:
        at_least(1, servers=self.servers)
        above_zero(service_seconds=self.service_seconds)

    def behaviour(self, random: Random) -> Behaviour:
        """First come, first served."""
        station = Station(self.servers)
        return lambda arrival: station.take(arrival, random.expovariate(1 / self.service_seconds))


@dataclass(frozen=True, slots=True)
class Mdc:
    """M/D/c: one line, c servers, every service time the same."""

    servers: int = count("servers", 2, "Requests in service at once; the rest wait in one line.")
    service_seconds: float = milliseconds("service-ms", 0.010, _SERVICE)

    def __post_init__(self) -> None:
        at_least(1, servers=self.servers)
        above_zero(service_seconds=self.service_seconds)

    def behaviour(self, random: Random) -> Behaviour:
        """First come, first served."""
        station = Station(self.servers)
        return lambda arrival: station.take(arrival, self.service_seconds)


@dataclass(frozen=True, slots=True)
class Bounded:
    """M/M/c with room for so many in line (M/M/c/K): who finds it full gets 503 at once."""

    servers: int = count("servers", 2, "Requests in service at once.")
    service_seconds: float = milliseconds("service-ms", 0.010, _MEAN_SERVICE)
    line: int = count("line", 10, "Places in the line; beyond it requests are rejected with 503.")

    def __post_init__(self) -> None:
        at_least(1, servers=self.servers)
        at_least(0, line=self.line)
        above_zero(service_seconds=self.service_seconds)

    def behaviour(self, random: Random) -> Behaviour:
        """First come, first served, or turned away."""
        station = Station(self.servers)

        def arrive(arrival: float) -> Fate:
            # A place in line is needed only where no server is free: then somebody just let in would start later.
            if station.is_full(arrival, self.line):
                return Fate(arrival, arrival, 503)
            return station.take(arrival, random.expovariate(1 / self.service_seconds))

        return arrive


@dataclass(frozen=True, slots=True)
class Stall:
    """Answers in a constant time, but freezes for so long in every period: what is due then is released at its end.

    The first stall begins one period after the first request.
    """

    every_seconds: float = number("every", 10.0, "Seconds from the start of one stall to the start of the next.")
    stall_seconds: float = number("stall", 1.0, "Seconds that each stall lasts.")
    service_seconds: float = milliseconds("service-ms", 0.005, "Service time outside of a stall.")

    def __post_init__(self) -> None:
        above_zero(every_seconds=self.every_seconds)
        at_least(0, stall_seconds=self.stall_seconds, service_seconds=self.service_seconds)
        if self.stall_seconds >= self.every_seconds:
            raise ValueError("a stall ends before the next one begins")

    def behaviour(self, random: Random) -> Behaviour:
        """As many requests at once as come."""
        first: float | None = None

        def arrive(arrival: float) -> Fate:
            nonlocal first
            first = arrival if first is None else first
            due = arrival + self.service_seconds
            periods, into = divmod(due - first, self.every_seconds)
            if periods >= 1 and into < self.stall_seconds:
                due = first + periods * self.every_seconds + self.stall_seconds
            return Fate(arrival, due)

        return arrive


@dataclass(frozen=True, slots=True)
class Leak:
    """Each request costs memory that never comes back, up to a limit."""

    bytes_each: int = count("bytes-each", 10_000, "Bytes that each request costs for ever.")
    limit_bytes: int = count("limit-bytes", 200_000_000, "Where the leak stops.")
    service_seconds: float = milliseconds("service-ms", 0.005, _SERVICE)

    def __post_init__(self) -> None:
        at_least(0, bytes_each=self.bytes_each, limit_bytes=self.limit_bytes, service_seconds=self.service_seconds)
        if self.limit_bytes > 2_000_000_000:
            raise ValueError("limit_bytes is at most 2,000,000,000: other programs need memory too")

    def behaviour(self, random: Random) -> Behaviour:
        """As many requests at once as come."""
        kept = 0

        def arrive(arrival: float) -> Fate:
            nonlocal kept
            keep = min(self.bytes_each, self.limit_bytes - kept)
            kept += keep
            return Fate(arrival, arrival + self.service_seconds, keep_bytes=keep)

        return arrive


@dataclass(frozen=True, slots=True)
class Errors:
    """Each request fails with the same probability, whatever became of the others (Bernoulli)."""

    share: float = number("share", 0.05, "Probability of an answer 500.")
    service_seconds: float = milliseconds("service-ms", 0.005, _SERVICE)

    def __post_init__(self) -> None:
        share(share=self.share)
        at_least(0, service_seconds=self.service_seconds)

    def behaviour(self, random: Random) -> Behaviour:
        """As many requests at once as come."""

        def arrive(arrival: float) -> Fate:
            status = 500 if random.random() < self.share else 200
            return Fate(arrival, arrival + self.service_seconds, status)

        return arrive


@dataclass(frozen=True, slots=True)
class Bursts:
    """Errors come in bursts: a chain of two states, and in the bad one every request fails (Gilbert, 1960; Elliott's
    error probabilities are 0 and 1). Bursts are 1 ÷ leave requests long; the share of errors is enter ÷ (enter +
    leave).
    """

    enter: float = number("enter", 0.01, "Probability, at each request, that a burst begins.")
    leave: float = number("leave", 0.20, "Probability, at each request, that the burst ends.")
    service_seconds: float = milliseconds("service-ms", 0.005, _SERVICE)

    def __post_init__(self) -> None:
        share(enter=self.enter, leave=self.leave)
        above_zero(enter=self.enter, leave=self.leave)
        at_least(0, service_seconds=self.service_seconds)

    @property
    def share(self) -> float:
        """Of all requests, how many fail in the long run."""
        return self.enter / (self.enter + self.leave)

    def behaviour(self, random: Random) -> Behaviour:
        """Starts in the good state."""
        bad = False

        def arrive(arrival: float) -> Fate:
            nonlocal bad
            bad = random.random() >= self.leave if bad else random.random() < self.enter
            return Fate(arrival, arrival + self.service_seconds, 500 if bad else 200)

        return arrive


@dataclass(frozen=True, slots=True)
class Tail:
    """Nearly every answer is quick; a known share takes a known long time."""

    share: float = number("share", 0.01, "Probability of a slow answer.")
    slow_seconds: float = milliseconds("slow-ms", 1.0, "Service time of a slow one.")
    service_seconds: float = milliseconds("service-ms", 0.005, "Service time of all others.")

    def __post_init__(self) -> None:
        share(share=self.share)
        at_least(0, slow_seconds=self.slow_seconds, service_seconds=self.service_seconds)

    def behaviour(self, random: Random) -> Behaviour:
        """As many requests at once as come."""

        def arrive(arrival: float) -> Fate:
            service = self.slow_seconds if random.random() < self.share else self.service_seconds
            return Fate(arrival, arrival + service)

        return arrive
