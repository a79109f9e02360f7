"""The open model on top of Locust's users (methodology §1).

One dispatcher greenlet walks the plan's intended starts. Each is handed to an idle user of its flow; when none is idle
it waits, keeping its intended time, and when too many wait it is dropped and counted as bad. The dispatcher that is
behind fires at once: it never skips an arrival and never re-bases the schedule.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Protocol

import gevent
from gevent import getcurrent
from gevent.hub import get_hub
from locust import User
from locust.exception import StopTest

from harness.errors import HarnessError
from harness.loadgen.generator import Generator
from harness.loadgen.recorder import Endpoint
from harness.model.plan import LoadPlan
from harness.planning.schedule import Arrival, Shard, schedule

LATE_SECONDS = 0.010
"""An arrival that waited longer than this for a free user was late. Ten times the event loop's timer granularity and
the period of the lag heartbeat: below it, waiting cannot be told from the loop's own delays."""

_GRAIN_SECONDS = 0.0002
"""The shortest sleep of the dispatcher: arrivals that are closer together start together, up to this late. At 20,000/s
waking up for each would cost more than serving it."""

_BURST = 32
"""Arrivals fired in a row by a dispatcher that is behind, before the users get their turn."""


class Sink(Protocol):
    """Where the arrivals of one flow go."""

    def offer(self, arrival: Arrival) -> None:
        """Take an arrival whose time has come; never blocks."""

    def give_up(self) -> None:
        """Drop what still waits, at the end of the load."""


class Dispatcher:
    """Hands out the shard's arrivals of the plan when they are due."""

    def __init__(self, generator: Generator, plan: LoadPlan, shard: Shard, sinks: Mapping[str, Sink]) -> None:
        self._generator = generator
        self._plan = plan
        self._shard = shard
        self._sinks = sinks

    def run(self) -> None:
        """Walk the schedule to its end."""
        start = self._generator.start_seconds
        counts = self._generator.counts
        sleep_until = self._generator.alarm.sleep_until
        clock = time.monotonic
        offers = {flow: sink.offer for flow, sink in self._sinks.items()}
        behind = 0
        for arrival in schedule(self._plan, self._shard):
            due, now = start + arrival.seconds, clock()
            if due > now:
                behind = 0
                sleep_until(max(due, now + _GRAIN_SECONDS))
            elif (behind := behind + 1) % _BURST == 0:
                gevent.sleep(0)
            counts.intended += 1
            offers[arrival.flow](arrival)


class WaitingLine:
    """Arrivals of one flow whose time has come and that nobody can take yet; too many of them are dropped.

    first: the endpoint that dropped arrivals are counted at. most: arrivals waiting at once, of all flows together.
    """

    def __init__(self, generator: Generator, first: Endpoint, most: int) -> None:
        self._generator = generator
        self._first = first
        self._most = most
        self._arrivals: deque[Arrival] = deque()

    def __bool__(self) -> bool:
        return bool(self._arrivals)

    def add(self, arrival: Arrival) -> None:
        """To the end of the line, or dropped when it is full."""
        counts = self._generator.counts
        if counts.waiting < self._most:
            self._arrivals.append(arrival)
            counts.waiting += 1
        else:
            self._drop(arrival)

    def take(self) -> Arrival:
        """The arrival that has waited longest. Raises IndexError when nothing waits."""
        arrival = self._arrivals.popleft()
        self._generator.counts.waiting -= 1
        return arrival

    def give_up(self) -> None:
        """Drop what still waits at the end of the load: what was never sent is bad, not missing."""
        while self._arrivals:
            self._drop(self.take())

    def _drop(self, arrival: Arrival) -> None:
        self._generator.counts.dropped += 1
        first = self._first
        self._generator.recorder.dropped(Endpoint(first.name, first.flow, first.kind, arrival.probe), arrival.second)


class Pool:
    """The users of one flow, and the arrivals that wait for one of them."""

    def __init__(self, generator: Generator, first: Endpoint, max_waiting: int) -> None:
        self._generator = generator
        # Each a list of the user's greenlet alone, and empty when it was killed meanwhile, as in Alarm.
        self._idle: deque[list[Any]] = deque()
        self._waiting = WaitingLine(generator, first, max_waiting)
        self._hub: Any = get_hub()
        self._soon = self._hub.loop.run_callback

    def offer(self, arrival: Arrival) -> None:
        """To an idle user, else into the line, else dropped."""
        if self._idle:
            self._generator.counts.in_flight += 1
            self._soon(self._hand, self._idle.popleft(), arrival)
        else:
            self._waiting.add(arrival)

    @staticmethod
    def _hand(idle: list[Any], arrival: Arrival) -> None:
        if idle:
            idle[0].switch(arrival)

    def give_up(self) -> None:
        """Drop what still waits at the end of the load."""
        self._waiting.give_up()

    def next(self) -> tuple[Arrival, bool]:
        """Block until this user gets an arrival; whether the arrival had to wait for it."""
        if self._waiting:
            self._generator.counts.in_flight += 1
            return self._waiting.take(), True
        idle = [getcurrent()]
        self._idle.append(idle)
        try:
            return self._hub.switch(), False
        except BaseException:  # killed
            idle.clear()
            raise


class ArrivalUser(User):
    """A user that lies idle until it is handed an arrival, and then runs its ``@task`` once: one session.

    A locustfile's own classes derive from ``HttpFlowUser``, ``UploadFlowUser`` or ``ClassroomUser``, and are named as
    the plan's flow names them (``user_class``). Without a run directory they are ordinary closed-model Locust users
    that pause between sessions.

    first_step: name and kind of the endpoint that a dropped or late session is counted at.
    """

    abstract = True
    first_step: ClassVar[tuple[str, str]] = ("session", "http")

    # Set by the boot module before any user is spawned.
    generator: ClassVar[Generator]
    flow: ClassVar[str] = ""
    pool: ClassVar[Pool | None] = None

    arrival: Arrival
    session_failed: bool
    """Set by a step that failed, and by an exception in the task."""

    _bare_sessions: ClassVar[int] = 0
    _random: Random | None = None

    @property
    def random(self) -> Random:
        """The session's own randomness. Made when first asked for: seeding takes as long as half a request."""
        if self._random is None:
            self._random = self.generator.random(self.flow, self.arrival.number, probe=self.arrival.probe)
        return self._random

    def on_start(self) -> None:
        """Wait for the first arrival: Locust runs a task at once, and only then asks for the waiting time."""
        self._under_way = False
        if self.pool is None:
            self._prepare()
        self._next_arrival()

    def wait_time(self) -> float:
        """Between two sessions: until the next arrival. In the closed model a pause of a few seconds."""
        self._end_session()
        if self.pool is None:
            pause = Random().uniform(*self.generator.settings.think_seconds)
            gevent.sleep(pause)
        self._next_arrival()
        return 0.0

    def endpoint(self, name: str, kind: str = "http") -> Endpoint:
        """An endpoint as this session's rows name it."""
        return Endpoint(name, self.flow, kind, self.arrival.probe)

    @property
    def intended(self) -> float:
        """CLOCK_MONOTONIC at which this session was meant to start, in seconds."""
        return self.generator.start_seconds + self.arrival.seconds

    def _next_arrival(self) -> None:
        generator = self.generator
        if self.pool is None:
            type(self)._bare_sessions += 1
            generator.counts.in_flight += 1
            now = time.monotonic() - generator.start_seconds
            self._begin_session(Arrival(now, self.flow, self._bare_sessions))
            return
        arrival, waited = self.pool.next()
        self._begin_session(arrival)
        counts = generator.counts
        lag = time.monotonic() - self.intended
        if not waited:
            counts.lags.add(lag)
        elif lag > LATE_SECONDS:
            counts.late += 1
            generator.recorder.late(self.endpoint(*self.first_step), arrival.second)

    def _begin_session(self, arrival: Arrival) -> None:
        counts = self.generator.counts
        counts.started += 1
        self.arrival = arrival
        self._random = None
        self.session_failed = False
        self._under_way = True
        self.begin_session()

    def _end_session(self) -> None:
        if not self._under_way:
            return
        self._under_way = False
        counts = self.generator.counts
        counts.in_flight -= 1
        if self.session_failed:
            counts.failed += 1
        else:
            counts.completed += 1
        self.end_session()

    def _prepare(self) -> None:
        try:
            self.generator.prepare_once()
        except HarnessError as error:
            raise StopTest(f"{error.message}. {error.hint}") from error

    def begin_session(self) -> None:
        """For subclasses: what a new session starts with."""

    def end_session(self) -> None:
        """For subclasses: leave nothing open."""

    def on_stop(self) -> None:
        """The load is over: what is still open is closed. The session stays in flight in the counts, as it was."""
        if self._under_way:
            self.end_session()
