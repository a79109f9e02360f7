"""A worker's side of a load that several processes offer together: the master directs it and keeps its evidence."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust.env import Environment
from locust.runners import WorkerRunner

import harness
from harness.errors import GeneratorError
from harness.loadgen.evidence import KINDS, Batch, Evidence, take_all
from harness.loadgen.health import worker_name
from harness.loadgen.messages import (
    HELLO,
    PLAN,
    READY,
    REPORT,
    START,
    STOP,
    TAKEN,
    listen,
    this_host,
)
from harness.loadgen.variables import WORKER_VARIABLE
from harness.model.plan import LoadPlan
from harness.planning.schedule import Shard
from harness.store.jsonl import decode

_PLAN_PATIENCE_SECONDS = 60.0
"""The master answers once it has its own plan, in a moment."""

_START_PATIENCE_SECONDS = 120.0
"""The slowest worker's preparation; the harness waits less."""

_MOST_OUTSTANDING = 10
"""Reports on their way, one a second. A master that has taken none of them is gone, or has no room: what waits here is
bounded, and a load that nobody records is none."""

_GOODBYE_SECONDS = 3.0
"""For the master's word that it has the last report."""


class FromMaster:
    """A ``Director`` in another process. Raises GeneratorError when the master has no use for this worker."""

    def __init__(self, environment: Environment) -> None:
        runner = environment.runner
        assert isinstance(runner, WorkerRunner)
        self._runner = runner
        self._batches = {kind: Batch() for kind in KINDS}
        self.evidence = Evidence(**self._batches)
        self._plan: AsyncResult[dict[str, Any]] = AsyncResult()
        self._start: AsyncResult[dict[str, Any]] = AsyncResult()
        self._sent = 0
        self._taken = 0
        self.stopped = "interrupted"
        listen(runner, PLAN, lambda _, data: self._plan.set(data))
        listen(runner, START, lambda _, data: self._start.set(data))
        listen(runner, TAKEN, self._on_taken)
        listen(runner, STOP, self._on_stop)
        self._send(
            HELLO,
            version=harness.__version__,
            host=this_host(),
            name=worker_name(),
            number=int(os.environ.get(WORKER_VARIABLE, "0") or 0),
        )
        offered = self._wait(self._plan, _PLAN_PATIENCE_SECONDS, "the master sent no plan")
        self.plan = decode(LoadPlan, offered["plan"])
        self.shard = Shard(offered["worker"], offered["workers"])
        self.run = str(offered["run"])
        environment.host = str(offered["host"])

    def ready(self, users: int, priority: int) -> None:
        """Tell the master."""
        self._send(READY, users=users, priority=priority)

    def start(self) -> float:
        """When the master says. Its clock is ours: for now it takes workers of its own host only, and for others this
        is where their clock's offset is taken off, as it is to be added to the times of what they report."""
        agreed = self._wait(self._start, _START_PATIENCE_SECONDS, "the master did not begin the load")
        return float(agreed["monotonic_seconds"])

    def announce(self) -> None:
        """The master does."""

    def load_end(self) -> None:
        """The master says so."""

    def flushed(self) -> None:
        """Send them."""
        if self._sent - self._taken >= _MOST_OUTSTANDING:
            raise GeneratorError(f"the master has not taken any of the last {_MOST_OUTSTANDING} reports")
        self._report(None)

    def end(self, reason: str, **detail: int) -> None:
        """Send what is left with the last word, and wait until the master has it."""
        self._report({"reason": reason, **detail})
        deadline = time.monotonic() + _GOODBYE_SECONDS
        while self._taken < self._sent and time.monotonic() < deadline:
            gevent.sleep(0.01)

    def _report(self, last_word: dict[str, Any] | None) -> None:
        self._sent += 1
        self._send(REPORT, number=self._sent, lines=take_all(self._batches), last_word=last_word)

    def _send(self, name: str, /, **data: object) -> None:
        self._runner.send_message(name, data)

    def _wait(self, result: AsyncResult[dict[str, Any]], seconds: float, otherwise: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = result.get(timeout=seconds)
        except gevent.Timeout:
            raise GeneratorError(otherwise, f"{self._runner.master_host}:{self._runner.master_port}") from None
        return value

    def _on_taken(self, _: str, data: dict[str, Any]) -> None:
        self._taken = max(self._taken, int(data["number"]))

    def _on_stop(self, _: str, data: dict[str, Any]) -> None:
        self.stopped = str(data["reason"])
        if not self._plan.ready():
            self._plan.set_exception(GeneratorError(self.stopped))
        else:
            os.kill(os.getpid(), signal.SIGTERM)  # ends the load as any other wish to end it does
