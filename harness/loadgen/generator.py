"""What every user of one generator process shares: the plan, the counters and the evidence being written."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from gevent.lock import BoundedSemaphore
from locust.env import Environment

from harness.errors import GeneratorError
from harness.loadgen import locust_stats
from harness.loadgen.alarm import Alarm
from harness.loadgen.evidence import Evidence
from harness.loadgen.net import Origin
from harness.loadgen.recorder import Endpoint, Meter, Recorder, Times
from harness.model.plan import LoadPlan
from harness.model.samples import AcknowledgedWrite, Event, JobEvent


class RequestFailed(Exception):
    """Stands for a bad response in Locust's own statistics; its text is the error's kind, so they stay few."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session needs to know of the plan; the defaults hold under a bare ``locust -f``."""

    think_seconds: tuple[float, float] = (1.0, 3.0)
    request_timeout_seconds: float = 30.0
    job_timeout_seconds: float = 300.0
    room_size: int = 10

    @classmethod
    def of(cls, plan: LoadPlan) -> Settings:
        """The plan's."""
        return cls(plan.think_seconds, plan.request_timeout_seconds, plan.job_timeout_seconds, plan.room_size)


@dataclass(slots=True)
class Counts:
    """Arrivals since the start of the load. intended = completed + failed + dropped + in flight + waiting, always."""

    intended: int = 0
    started: int = 0
    completed: int = 0
    failed: int = 0
    dropped: int = 0
    late: int = 0
    in_flight: int = 0
    waiting: int = 0
    lags: Times = field(default_factory=Times)
    """Actual − intended start of the arrivals of this second that found a user free."""


Prepare = Callable[["Generator"], None]
"""A locustfile's preparation before the load: log in, look up what exists."""


class Generator:
    """One process's load. Without evidence to keep (a bare ``locust -f``) it only fires Locust's own events.

    run: the run's name. Times are CLOCK_MONOTONIC in seconds. start_seconds: t = 0 of the load.
    """

    def __init__(
        self,
        environment: Environment,
        prepare: Prepare,
        plan: LoadPlan | None = None,
        evidence: Evidence | None = None,
        run: str = "",
    ) -> None:
        self.environment = environment
        if evidence is not None:
            locust_stats.silence(environment)
        request_event: Any = environment.events.request
        self._fire_request = request_event.fire
        self._listeners: list[Any] = request_event._handlers
        self.alarm = Alarm()
        self._prepare = prepare
        self._prepared = False
        self._preparing = BoundedSemaphore()
        self.origin = Origin.parse(environment.host or "")
        self.plan = plan
        self.settings = Settings() if plan is None else Settings.of(plan)
        self.evidence = evidence
        self.recorder = Recorder(() if plan is None else plan.thresholds_seconds)
        self.meter = Meter()
        self.counts = Counts()
        self.client_errors: Counter[str] = Counter()
        self.reconnects = 0
        self.sockets = 0
        self.open_jobs: dict[str, Mapping[str, Any]] = {}
        self.start_seconds = time.monotonic()
        self.closed = False
        # Ids must differ between runs against one database, and repeat when a run is repeated: hence its name.
        self._salt = int.from_bytes(hashlib.sha256(run.encode()).digest()[:16], "big")

    def prepare_once(self) -> None:
        """The locustfile's preparation, by whoever comes first; not recorded. Raises HarnessError."""
        with self._preparing:
            if not self._prepared:
                try:
                    self._prepare(self)
                except (LookupError, TypeError, ValueError, AttributeError) as error:
                    raise GeneratorError(
                        f"the preparation found something else than it looks for: {type(error).__name__}: {error}",
                        self.origin.host_header,
                        "is this the system that the locustfile was written for?",
                    ) from error
                self._prepared = True

    def random(self, flow: str, number: int, *, probe: bool = False) -> Random:
        """The randomness of one arrival: the same in every run of that plan, whichever user serves it."""
        if self.plan is None:
            return Random()
        return Random(f"{self.plan.seed}/{flow}/{'probe' if probe else 'arrival'}/{number}")

    def new_id(self, random: Random) -> str:
        """An id that the client makes for a write."""
        return str(UUID(int=random.getrandbits(128) ^ self._salt, version=4))

    def second(self, intended: float) -> int:
        """The second of the load that an intended start belongs to."""
        return int(intended - self.start_seconds)

    # Recording. Nothing is recorded after the last flush.

    def good(self, endpoint: Endpoint, intended: float, response: float, service: float, length: int = 0) -> None:
        """A good response; times in seconds."""
        if self.closed:
            return
        if self.evidence is not None:
            self.recorder.completed(endpoint, int(intended - self.start_seconds), response, service)
        if self._listeners:
            self._fire(endpoint, response, service, length, None)

    def bad(self, endpoint: Endpoint, intended: float, kind: str, response: float = 0.0, service: float = 0.0) -> None:
        """A bad response or none, through the fault of the system under load."""
        if self.closed:
            return
        if self.evidence is not None:
            self.recorder.failed(endpoint, self.second(intended), kind)
        if self._listeners:
            self._fire(endpoint, response, service, 0, RequestFailed(kind))

    def own_mistake(self, kind: str) -> None:
        """A request that failed through the generator's fault: it says nothing about the system under load."""
        self.client_errors[kind] += 1

    def _fire(
        self, endpoint: Endpoint, response: float, service: float, length: int, exception: Exception | None
    ) -> None:
        self._fire_request(
            request_type=endpoint.kind,
            name=endpoint.name,
            response_time=response * 1000,
            response_length=length,
            exception=exception,
            context={"service_time": service * 1000, "flow": endpoint.flow},
        )

    def event(self, name: str, /, **detail: object) -> None:
        """Write an event."""
        if self.evidence is not None:
            self.evidence.events.append(Event(time.monotonic(), time.time(), name, detail))

    def acknowledged(self, identifier: str, kind: str) -> None:
        """The server said that it has taken the write. Written at once: a crash must not forget it."""
        if self.evidence is not None:
            self.evidence.acknowledged.append(AcknowledgedWrite(time.monotonic(), identifier, kind))

    def job(self, identifier: str, state: str, **detail: object) -> None:
        """A step in the life of an upload's job, as the client sees it."""
        if self.evidence is not None and not self.closed:
            self.evidence.jobs.append(JobEvent(time.monotonic(), identifier, state, detail))

    def level_at(self, second: int) -> str:
        """The name of the level that the second lies in, empty outside of all."""
        if self.plan is None:
            return ""
        for level in self.plan.levels:
            if level.start_seconds <= second < level.end_seconds:
                return str(level.name)
        return ""
