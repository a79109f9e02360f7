"""The rows of raw evidence.

Times called ``monotonic_seconds`` are CLOCK_MONOTONIC of the host, the same clock for the harness and its generator;
``second`` counts from the start of the load (the event "load-start"), by *intended* time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Distribution:
    """A sparse log-linear histogram (methodology §2, S=7, microseconds) with its exact sum and maximum."""

    buckets: Mapping[int, int]
    count: int
    sum_seconds: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class RequestRow:
    """What one endpoint did in one second of intended time.

    Rows are increments: those of one (endpoint, second) add up, since a request is recorded when it ends but belongs
    to the second in which it was meant to start.

    kind: http, upload (a request that carries a file), socketio (connect, ack, delivery) or job (queue wait,
    processing, end to end).
    completed: good responses. errors: bad ones, by ``error_kinds``; they count as above every threshold.
    dropped: arrivals never started. late: started more than the plan allows after their intended time.
    exceeded: threshold in seconds → requests that were over it or bad (``response`` time, errors, dropped).
    expected: for deliveries, how many there should have been (reach = completed ÷ expected).
    probe: outside of the plan's rate.
    """

    second: int
    endpoint: str
    flow: str
    kind: str
    completed: int
    errors: int
    dropped: int
    late: int
    response: Distribution
    service: Distribution
    exceeded: Mapping[float, int]
    error_kinds: Mapping[str, int] = field(default_factory=dict)
    expected: int = 0
    probe: bool = False

    @property
    def offered(self) -> int:
        """Everything that was meant to start and has been accounted for."""
        return self.completed + self.errors + self.dropped


@dataclass(frozen=True, slots=True)
class ServerSample:
    """What one sampler saw at one time, in base units; ``gap`` says why it saw nothing (then ``values`` is empty).

    cost_seconds: CPU time that the sampling itself took in the harness.
    period_seconds: time to the sampler's next row, so for how long this one speaks.
    """

    monotonic_seconds: float
    source: str
    values: Mapping[str, float]
    gap: str = ""
    cost_seconds: float = 0.0
    period_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class PageView:
    """One opening of the system's page in a browser.

    paint_seconds: its first contentful paint, from the start of the navigation; None when it painted nothing good, and
    ``reason`` says why. load_seconds: the end of its load event, from the start too; None when it had not loaded in
    time, or was not good. status: of the page's answer; 0 when there was none.
    opened: False when it was the browser that failed, or had no time, so that nothing is known of the page.
    """

    monotonic_seconds: float
    paint_seconds: float | None
    status: int = 0
    opened: bool = True
    reason: str = ""
    load_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class GeneratorSample:
    """The generator's own health over the second that ended at ``monotonic_seconds``.

    cpu_ratio: of one core. lags in seconds: the event loop's (a 10 ms heartbeat: actual − due) and the schedule's
    (actual − intended start of arrivals while a user was free). loop_lag and schedule_lag hold all of them, since
    percentiles of seconds do not merge; None in runs that did not keep them.
    intended, started, completed, failed, dropped, late: arrivals (sessions, messages, uploads) since the start,
    cumulative.
    in_flight: arrivals under way; waiting: arrivals without a free user.
    requests_started, requests_completed, requests_failed: requests since the start, cumulative.
    busy_seconds: the time integral of requests in flight since the start; service_sum_seconds: the sum of the service
    times of the requests that ended. The two differ only by what is still in flight (conservation).
    client_errors: mistakes of the generator's own (no port, no file descriptor, DNS), cumulative, by kind.
    """

    monotonic_seconds: float
    worker: str
    cpu_ratio: float
    loop_lag_p99_seconds: float
    loop_lag_max_seconds: float
    schedule_lag_p99_seconds: float
    schedule_lag_max_seconds: float
    intended: int
    started: int
    completed: int
    failed: int
    dropped: int
    late: int
    in_flight: int
    waiting: int
    requests_started: int
    requests_completed: int
    requests_failed: int
    requests_in_flight: int
    busy_seconds: float
    service_sum_seconds: float
    sockets: int
    rss_bytes: int
    client_errors: Mapping[str, int] = field(default_factory=dict)
    loop_lag: Distribution | None = None
    schedule_lag: Distribution | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once: a phase begins, a process starts or stops, an abort rule fires, Ctrl-C."""

    monotonic_seconds: float
    wall_seconds: float
    name: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AcknowledgedWrite:
    """A write that the server said it had taken, under an id that the client made. kind: lesson, message or upload."""

    monotonic_seconds: float
    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A step in the life of an upload's job, by its id. state: sent, accepted, rejected, queued, started, finished,
    failed, seen, censored. The client writes sent, accepted, rejected, seen and censored; queued, started, finished and
    failed come from the server's own record. detail: seen_by (poll or socket), level, probe, size_bytes…"""

    monotonic_seconds: float
    id: str
    state: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Acknowledged writes held against the database after the drain. missing: acknowledged ids that are not stored.

    checked False: the database could not be asked, and why.
    """

    checked: bool
    acknowledged: int
    stored: int
    missing: tuple[str, ...]
    reason: str = ""
