"""Who says when the load begins and keeps what is recorded: the process itself when it is alone, else the master."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import gevent

from harness.loadgen.evidence import Evidence, files_of
from harness.model.plan import LoadPlan
from harness.model.samples import Event
from harness.planning.schedule import WHOLE, Shard
from harness.store.jsonl import Appender
from harness.store.layout import RunDirectory


class Director(Protocol):
    """What the conductor of a load asks of it.

    plan: of the whole load; shard: the part of it that is ours. run: its name. stopped: why a load ends that did not
    come to its own end.
    """

    plan: LoadPlan
    shard: Shard
    evidence: Evidence
    run: str
    stopped: str

    def settled(self) -> None:
        """The flows are loaded and know their users: Locust may spawn them."""

    def ready(self, users: int, priority: int) -> None:
        """The users are there and the preparation is done. priority: this process's nice value."""

    def start(self) -> float:
        """Block until t = 0 of the load is agreed; CLOCK_MONOTONIC of this host, which may lie a little ahead."""

    def announce(self) -> None:
        """Say when each level and phase begins; a greenlet of its own, during the load."""

    def load_end(self) -> None:
        """The plan's time is over; what is under way may still end."""

    def flushed(self) -> None:
        """A second's rows and sample are in the evidence. Raises GeneratorError when nobody takes them."""

    def end(self, reason: str, **detail: int) -> None:
        """The last word; everything is in the evidence. Raises OSError."""


class Alone:
    """The only process: it writes the run directory itself. Raises OSError."""

    def __init__(self, run: RunDirectory, plan: LoadPlan) -> None:
        files = files_of(run)
        self.plan = plan
        self.shard = WHOLE
        self.evidence = Evidence(**files)
        self.run = run.path.name
        self.stopped = "interrupted"
        self._events = files["events"]
        self._start = 0.0

    def settled(self) -> None:
        """Locust waits for us anyway."""

    def ready(self, users: int, priority: int) -> None:
        """Written down."""
        write_event(self._events, "generator-ready", users=users, priority=priority)

    def start(self) -> float:
        """At once."""
        self._start = time.monotonic()
        write_event(self._events, "load-start")
        return self._start

    def announce(self) -> None:
        """Into the events."""
        narrate(self.plan, self._start, lambda name, detail: write_event(self._events, name, **detail))

    def load_end(self) -> None:
        """Written down."""
        write_event(self._events, "load-end")

    def flushed(self) -> None:
        """It is in the files already."""

    def end(self, reason: str, **detail: int) -> None:
        """Written down."""
        write_event(self._events, "generator-end", reason=reason, **detail)


def write_event(events: Appender, name: str, /, **detail: object) -> None:
    """Append an event of now."""
    events.append(Event(time.monotonic(), time.time(), name, detail))


def narrate(plan: LoadPlan, start_seconds: float, say: Callable[[str, dict[str, object]], None]) -> None:
    """Say when each level and phase begins."""
    for level in plan.levels:
        sleep_until(start_seconds + level.start_seconds)
        say("level", {"name": str(level.name)})
        for phase in level.phases:
            sleep_until(start_seconds + phase.start_seconds)
            say("phase", {"level": str(level.name), "phase": str(phase.name)})


def sleep_until(monotonic_seconds: float) -> None:
    """Let others run until then."""
    gevent.sleep(max(0.0, monotonic_seconds - time.monotonic()))
