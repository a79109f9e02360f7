"""Who takes part in a load: workers say hello, join or are refused, and leave again, until all are there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from harness.errors import GeneratorError, WorkerLost
from harness.loadgen.distributed.admission import Admission, Newcomer
from harness.loadgen.distributed.clocks import SHARED, Offset
from harness.loadgen.distributed.crew import Crew
from harness.loadgen.distributed.luggage import luggage_of, terms_of
from harness.loadgen.distributed.messages import CHALLENGE, HELLO, JOIN, LEAVE, PLAN, STOP
from harness.loadgen.distributed.pings import Pings
from harness.loadgen.distributed.trust import Token
from harness.model.plan import LoadPlan
from harness.store.jsonl import encode
from harness.store.layout import RunDirectory

_HELLO_PATIENCE_SECONDS = 60.0
"""For all workers of this host to import Locust and the locustfile; for others it is the person's."""

_MOST_REFUSALS = 100
"""Of which the events tell: strangers must not fill the disk."""

_logger = logging.getLogger("proofload")

Say = Callable[..., None]
"""Writes an event: its name, and details by name."""


@dataclass(eq=False, slots=True)
class Worker:
    """One of the workers. client: Locust's id; number: of its process on this host, or 0.

    offset: its clock less ours, at the start; None until it is known. reports: taken so far. heard_seconds: when the
    last one came, CLOCK_MONOTONIC. last_word: once it has said it, and its clock was measured again.
    """

    client: str
    name: str
    number: int
    index: int
    offset: Offset | None
    pings: Pings
    ready: bool = False
    left: str = ""
    reports: int = 0
    heard_seconds: float = 0.0
    last_word: dict[str, Any] | None = None
    lost: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.last_word is not None or bool(self.lost)


class Gathering:
    """The workers of one run, by Locust's ids of them. Raises GeneratorError when they cannot be given what they need,
    OSError when an event cannot be written.

    patience_seconds: how long to wait for them to come from other hosts; None to start them on this one.
    """

    def __init__(
        self,
        environment: Environment,
        run: RunDirectory,
        plan: LoadPlan,
        count: int,
        patience_seconds: float | None,
        *,
        say: Say,
    ) -> None:
        runner = environment.runner
        assert isinstance(runner, MasterRunner)
        self._environment = environment
        self._runner = runner
        self._run = run
        self._plan = plan
        self._count = count
        self._patience = patience_seconds
        self._say = say
        token = Token.of()
        self.crew = Crew(environment, run.logs, token)
        self.workers: dict[str, Worker] = {}
        self._admission = Admission(terms_of(environment), token, count)
        self._luggage = {} if patience_seconds is None else luggage_of(plan)
        self._refusals = 0

    @property
    def heard(self) -> dict[str, Callable[[str, dict[str, Any]], None]]:
        """Who listens to which message."""
        return {HELLO: self._on_hello, JOIN: self._on_join, LEAVE: self._on_leave}

    def close(self) -> None:
        """The load begins: who comes now comes too late."""
        self._admission.begun = True

    def gone(self, worker: Worker) -> str:
        """How it went; empty while it is there."""
        node = self._runner.clients.get(worker.client)
        missing = "not heard of any more" if node is None or node.state == STATE_MISSING else ""
        return worker.left or self.crew.gone(worker.number) or missing

    def wait_for_all(self, called_off: Callable[[], str]) -> None:
        """Start them if they are ours, and let others run until they are all there. Raises GeneratorError, WorkerLost.

        called_off: why they are no longer waited for; empty while they are.
        """
        expected = self._patience is not None
        patience = _HELLO_PATIENCE_SECONDS if self._patience is None else self._patience
        if expected:
            self._say("workers-awaited", workers=self._count, port=self._runner.server.port)
        else:
            self.crew.start(self._count)
        deadline = time.monotonic() + patience
        while len(self.workers) < self._count:
            gevent.sleep(0.05)
            if reason := called_off():
                raise GeneratorError(reason)
            for number in self.crew.numbers:
                if gone := self.crew.gone(number):
                    log = self._run.logs / f"generator-worker-{number}.log"
                    raise WorkerLost(f"worker {number} {gone} before the load", str(log), "its log says why")
            for worker in tuple(self.workers.values()) if expected else ():
                if gone := self.gone(worker):
                    del self.workers[worker.client]
                    self._admission.leave(worker.client)
                    self._say("worker-left", worker=worker.name, reason=gone, here=self._names(), of=self._count)
            if time.monotonic() > deadline:
                raise WorkerLost(
                    f"{len(self.workers)} of {self._count} workers came within {patience:.0f} s",
                    str(self._run.logs),
                    "can the others reach this host's port?" if expected else "their logs say why",
                )

    def _on_hello(self, client: str, data: dict[str, Any]) -> None:
        """A worker is there. Until it has proven that it knows the token it may be anybody."""
        try:
            answer = self._admission.hello(client, data)
        except GeneratorError as error:
            self._refuse(client, error)
        else:
            self._send(client, CHALLENGE, **answer)

    def _on_join(self, client: str, data: dict[str, Any]) -> None:
        """It asks for its plan."""
        try:
            newcomer = self._admission.join(client, data)
        except GeneratorError as error:
            self._refuse(client, error)
            return
        self.workers[client] = self._worker(newcomer)
        self._send(
            client,
            PLAN,
            plan=encode(self._plan),
            run=self._run.path.name,
            host=self._environment.host,
            worker=newcomer.index,
            workers=self._count,
            **({} if newcomer.number else self._luggage),
        )
        if self._patience is not None:
            self._say("worker-joined", worker=newcomer.name, here=self._names(), of=self._count)

    def _worker(self, newcomer: Newcomer) -> Worker:
        offset = SHARED if newcomer.same_clock else None
        pings = Pings(self._runner, newcomer.client)
        return Worker(newcomer.client, newcomer.name, newcomer.number, newcomer.index, offset, pings)

    def _refuse(self, client: str, error: GeneratorError) -> None:
        """It is sent away, and both sides say why. The others are waited for."""
        self._send(client, STOP, reason=error.message, hint=error.hint)
        self._refusals += 1
        if self._refusals <= _MOST_REFUSALS:
            self._say("worker-refused", reason=error.message, hint=error.hint)
            _logger.warning("%s", error.message)

    def _on_leave(self, client: str, data: dict[str, Any]) -> None:
        if worker := self.workers.get(client):
            worker.left = str(data["reason"])

    def _names(self) -> list[str]:
        return [worker.name for worker in self.workers.values()]

    def _send(self, client: str, name: str, /, **data: object) -> None:
        self._runner.send_message(name, data, client)
