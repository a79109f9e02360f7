"""A load plan: which load is offered when. plan.json is one of these, as executed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from harness.model.figure import Figure
from harness.model.target import Flow


class LevelName(StrEnum):
    """The plateaus of load, in the order of the ramp."""

    NORMAL = "normal"
    PEAK = "peak"
    PROOF = "3x-peak"
    RECOVERY = "recovery"


class PhaseName(StrEnum):
    """The parts of a level. Only the measure phase is judged."""

    RAMP = "ramp"
    SETTLE = "settle"
    MEASURE = "measure"
    DRAIN = "drain"


class Arrivals(StrEnum):
    """How arrivals are spaced."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a level, in seconds from the start of the load."""

    name: PhaseName
    start_seconds: float
    end_seconds: float

    def __post_init__(self) -> None:
        if self.end_seconds < self.start_seconds:
            raise ValueError(f"phase {self.name} ends before it starts")

    @property
    def duration_seconds(self) -> float:
        """Its length."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, slots=True)
class Level:
    """One plateau of load.

    rate: HTTP requests per second at nginx (polls and uploads included, probe uploads and WebSocket frames not).
    users: Socket.IO connections held.
    """

    name: LevelName
    rate: Figure
    users: Figure
    message_rate_per_second: float
    upload_rate_per_second: float
    probe_uploads: int
    phases: tuple[Phase, ...]

    def phase(self, name: PhaseName) -> Phase:
        """The phase of that name; raises KeyError."""
        for phase in self.phases:
            if phase.name is name:
                return phase
        raise KeyError(name)

    @property
    def start_seconds(self) -> float:
        """When its ramp begins."""
        return self.phases[0].start_seconds

    @property
    def end_seconds(self) -> float:
        """When its drain ends."""
        return self.phases[-1].end_seconds


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time with a rate that changes linearly: seconds from the start of the load, arrivals per second."""

    start_seconds: float
    end_seconds: float
    start_rate_per_second: float
    end_rate_per_second: float

    def __post_init__(self) -> None:
        if self.end_seconds <= self.start_seconds:
            raise ValueError("a segment needs a length")
        if min(self.start_rate_per_second, self.end_rate_per_second) < 0:
            raise ValueError("a rate is never negative")

    @property
    def expected_arrivals(self) -> float:
        """The integral of the rate."""
        mean = (self.start_rate_per_second + self.end_rate_per_second) / 2
        return mean * (self.end_seconds - self.start_seconds)


@dataclass(frozen=True, slots=True)
class Stream:
    """The arrivals of one flow: of sessions for HTTP flows, of chat messages for Socket.IO, of uploads.

    extra_seconds: intended starts outside of the rate, such as the probe uploads; marked as probes in every row.
    """

    flow: str
    segments: tuple[Segment, ...]
    extra_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """How many sockets are held open from a time on: straight lines between the points (seconds, sockets)."""

    points: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Everything the generator needs, and everything the judge needs to know about what was offered.

    thresholds_seconds: bounds whose exceedances are counted exactly at record time (methodology §0.2).
    room_size: sockets to a lesson room. think_seconds: bounds of the uniform pause between a session's steps.
    request_timeout_seconds: after it a request counts as an error above every threshold.
    max_in_flight: sessions under way at once; arrivals beyond wait in a queue (late), beyond max_waiting are dropped.
    job_timeout_seconds: how long an upload's job is waited for before it is censored as bad.
    page_seconds: a browser opens the system's page every so many seconds of a measure phase; 0: no browser.
    recovery_bound_seconds: after 3x-peak the system must be back inside the normal level's SLOs within it.
    """

    system: str
    stage: str
    profile: str
    seed: int
    arrivals: Arrivals
    levels: tuple[Level, ...]
    flows: tuple[Flow, ...]
    streams: tuple[Stream, ...]
    held: Held
    thresholds_seconds: tuple[float, ...]
    room_size: int
    think_seconds: tuple[float, float]
    request_timeout_seconds: float
    job_timeout_seconds: float
    max_in_flight: int
    max_waiting: int
    recovery_bound_seconds: float
    batch_seconds: float
    assumptions: tuple[Figure, ...] = ()
    page_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("a plan needs a level")
        for before, after in pairwise(self.levels):
            if after.start_seconds < before.end_seconds - 1e-9:
                raise ValueError(f"level {after.name} begins before {before.name} has ended")

    def level(self, name: str) -> Level:
        """The level of that name; raises KeyError."""
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)

    def flow(self, name: str) -> Flow:
        """The flow of that name; raises KeyError."""
        for flow in self.flows:
            if flow.name == name:
                return flow
        raise KeyError(name)

    @property
    def duration_seconds(self) -> float:
        """From the first arrival to the end of the last drain."""
        return self.levels[-1].end_seconds
