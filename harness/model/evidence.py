"""Everything that a run left behind, as values: what judging and reporting are computed from."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.audit import AuditReport
from harness.model.plan import LoadPlan
from harness.model.prediction import Prediction
from harness.model.run import Manifest
from harness.model.samples import (
    AcknowledgedWrite,
    Event,
    GeneratorSample,
    JobEvent,
    PageView,
    Reconciliation,
    RequestRow,
    ServerSample,
)
from harness.model.target import Stage


@dataclass(frozen=True, slots=True)
class Subject:
    """What was to be proven: a system's stage with its SLOs, as target.json keeps it.

    predictions: what the plan says of things that a run of the stage measures.
    """

    system: str
    title: str
    document: str
    stage: Stage
    predictions: tuple[Prediction, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run, read whole. Rows are in the order in which they were written.

    load_start_seconds: CLOCK_MONOTONIC at the start of the load (event "load-start"); None when it never began.
    reconciliation: None when the run ended before the database could be asked.
    nginx_requests: requests that nginx itself logged by the second of the load in which they began, without WebSocket
    handshakes and without the harness's own (samplers, health, browser); None when there is no such log.
    nginx_bytes: what it sent in answer to these, by the same seconds.
    audit: the plan held against itself when the run began; None in older runs.
    pages: what a browser saw of the system's page.
    """

    subject: Subject
    manifest: Manifest
    plan: LoadPlan
    load_start_seconds: float | None
    requests: tuple[RequestRow, ...]
    servers: tuple[ServerSample, ...]
    generator: tuple[GeneratorSample, ...]
    events: tuple[Event, ...]
    acknowledged: tuple[AcknowledgedWrite, ...]
    jobs: tuple[JobEvent, ...]
    reconciliation: Reconciliation | None = None
    nginx_requests: tuple[tuple[int, int], ...] | None = None
    nginx_bytes: tuple[tuple[int, int], ...] | None = None
    audit: AuditReport | None = None
    pages: tuple[PageView, ...] = ()

    def event(self, name: str) -> Event | None:
        """The first event of that name."""
        return next((event for event in self.events if event.name == name), None)
