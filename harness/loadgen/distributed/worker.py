"""A worker's side of a load that several processes offer together: the master directs it and keeps its evidence."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent.event import AsyncResult, Event
from locust.env import Environment
from locust.runners import WorkerRunner

import harness
from harness.allow import check_allowed
from harness.errors import GeneratorError, HarnessError
from harness.loadgen.distributed.admission import TOKEN_HINT
from harness.loadgen.distributed.clocks import MasterClock
from harness.loadgen.distributed.identity import file_digest, sources_digest, this_clock, this_network, worker_name
from harness.loadgen.distributed.luggage import unpack
from harness.loadgen.distributed.messages import (
    CHALLENGE,
    HELLO,
    JOIN,
    LEAVE,
    PING,
    PLAN,
    PONG,
    READY,
    REPORT,
    START,
    STOP,
    TAKEN,
    listen,
)
from harness.loadgen.distributed.trust import Token, challenge
from harness.loadgen.evidence import KINDS, Batch, Evidence, take_all
from harness.loadgen.variables import ALLOWED_VARIABLE, TARGET_VARIABLE, WORKER_VARIABLE
from harness.model.plan import LoadPlan
from harness.planning.schedule import Shard
from harness.store.jsonl import decode

_PLAN_PATIENCE_SECONDS = 60.0
"""The master answers once it has its own plan, in a moment."""

_START_PATIENCE_SECONDS = 120.0
"""The slowest worker's preparation; the harness waits less."""

_SETTLING_SECONDS = 60.0
"""For the flows to be loaded; after it the master's next word is heard nevertheless."""

_ANSWER_PATIENCE_SECONDS = 30.0
"""For the master's first word."""

_MOST_OUTSTANDING = 10
"""Reports on their way, one a second. A master that has taken none of them is gone, or has no room: what waits here is
bounded, and a load that nobody records is none."""

_GOODBYE_SECONDS = 4.0
"""For the master's word that it has the last report; before it the clocks may be compared again."""


_FAREWELL_SECONDS = 0.3
"""For a last message to be on its way."""

Find = Callable[[str], Path | None]
"""From the name of the master's locustfile to the one of this host, if there is one."""


class Tell(Protocol):
    """Gets what becomes of this worker."""

    def __call__(self, name: str, /, **detail: object) -> None:
        """Something has happened."""


def _tell_nobody(_: str, /, **detail: object) -> None:
    """The master's own workers: it tells of them itself."""


def joined(environment: Environment) -> FromMaster | None:
    """The director that this process has joined already, before its flows were loaded."""
    return getattr(environment, "proofload_director", None)


class FromMaster:
    """A ``Director`` in another process. Raises GeneratorError when the master has no use for this worker, or the
    worker none for that master; UnsafeTargetError when the system may not be loaded from here.

    locustfile: that of the plan's flows, on this host.
    """

    def __init__(self, environment: Environment, find: Find | None = None, tell: Tell = _tell_nobody) -> None:
        """find: where the flows are, when this process does not have them already."""
        runner = environment.runner
        assert isinstance(runner, WorkerRunner)
        self._runner = runner
        self._tell = tell
        self._clock = MasterClock()
        self._batches = {kind: Batch(self._translated) for kind in KINDS}
        self.evidence = Evidence(**self._batches)
        self._challenge: AsyncResult[dict[str, Any]] = AsyncResult()
        self._plan: AsyncResult[dict[str, Any]] = AsyncResult()
        self._start: AsyncResult[dict[str, Any]] = AsyncResult()
        self._settled = Event()
        self._sent = 0
        self._taken = 0
        self._last_reason = ""
        self.stopped = "interrupted"
        listen(runner, CHALLENGE, lambda _, data: self._challenge.set(data))
        listen(runner, PLAN, self._on_plan)
        listen(runner, PING, self._on_ping)
        listen(runner, START, lambda _, data: self._start.set(data))
        listen(runner, TAKEN, self._on_taken)
        listen(runner, STOP, self._on_stop)
        own = os.environ.get(TARGET_VARIABLE, "")
        self.locustfile = self._join(environment, find, own)
        offered = self._wait(self._plan, _PLAN_PATIENCE_SECONDS, "the master sent no plan")
        if find is not None:
            self._take_luggage(offered, own)
        self.plan = decode(LoadPlan, offered["plan"])
        self.shard = Shard(offered["worker"], offered["workers"])
        self.run = str(offered["run"])
        environment.host = own or str(offered["host"])

    def _take_luggage(self, offered: Mapping[str, Any], own_target: str) -> None:
        """Of another host: whether the system may be loaded from here, and what the flows need."""
        allowed = os.environ.get(ALLOWED_VARIABLE, "").split() or [str(name) for name in offered["allowed"]]
        try:
            check_allowed(own_target or str(offered["host"]), allowed)
        except HarnessError as error:
            self._send(LEAVE, reason=error.message)
            gevent.sleep(_FAREWELL_SECONDS)
            raise
        unpack(offered)

    def _join(self, environment: Environment, find: Find | None, target: str) -> Path | None:
        """Prove to each other who we are, and say what we have. The flows on this host, if there are any."""
        token, name, asked = Token.of(), worker_name(), challenge()
        self._send(HELLO, version=harness.__version__, challenge=asked, name=name)
        answer = self._wait(self._challenge, _ANSWER_PATIENCE_SECONDS, "the master does not answer")
        theirs = str(answer["challenge"])
        if not token.accepts(answer.get("proof"), "master", asked, theirs):
            raise GeneratorError("the master does not know the token: nothing is loaded for it", hint=TOKEN_HINT)
        assert environment.parsed_options is not None
        ours = Path(str(environment.parsed_options.locustfile)) if find is None else find(str(answer["locustfile"]))
        self._send(
            JOIN,
            proof=token.prove("worker", asked, theirs),
            name=name,
            number=int(os.environ.get(WORKER_VARIABLE, "0") or 0),
            clock=this_clock(),
            network=this_network(),
            sources=sources_digest(),
            flows="" if ours is None else file_digest(ours),
            target=target,
        )
        return ours

    def settled(self) -> None:
        """What the master says next may be heard."""
        self._settled.set()

    def ready(self, users: int, priority: int) -> None:
        """Tell the master."""
        self._send(READY, users=users, priority=priority)

    def start(self) -> float:
        """When the master says, on our clock. From now on what is recorded is told by the master's."""
        agreed = self._wait(self._start, _START_PATIENCE_SECONDS, "the master did not begin the load")
        self._clock = MasterClock(float(agreed.get("offset_seconds", 0.0)), agreed.get("wall_seconds"))
        self._tell("begun", offset_seconds=self._clock.offset_seconds)
        return self._clock.here(float(agreed["monotonic_seconds"]))

    def _translated(self, row: object) -> object:
        return self._clock.translated(row)

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
        self._last_reason = reason
        self._report({"reason": reason, **detail})
        deadline = time.monotonic() + _GOODBYE_SECONDS
        while self._taken < self._sent and time.monotonic() < deadline:
            gevent.sleep(0.01)
        if self._taken < self._sent:
            self._tell("ended", reason=f"{reason}, but the master did not take the last report")

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

    def _on_plan(self, _: str, data: dict[str, Any]) -> None:
        """Take it, and let nothing behind it be heard until its flows are loaded: the master has Locust spawn users as
        soon as it has sent the last plan, and where the way there is uneven both words come at once."""
        self._plan.set(data)
        self._settled.wait(_SETTLING_SECONDS)

    def _on_ping(self, _: str, data: dict[str, Any]) -> None:
        received = time.monotonic()
        self._send(PONG, number=data["number"], received=received, answered=time.monotonic())

    def _on_taken(self, _: str, data: dict[str, Any]) -> None:
        self._taken = max(self._taken, int(data["number"]))
        if self._last_reason and self._taken == self._sent:  # said here, since the master's next word ends the process
            self._tell("ended", reason=self._last_reason)

    def _on_stop(self, _: str, data: dict[str, Any]) -> None:
        self.stopped = str(data["reason"])
        if not self._plan.ready():
            refused = GeneratorError(self.stopped, hint=str(data.get("hint", "")))
            self._challenge.set_exception(refused)
            self._plan.set_exception(refused)
        else:
            os.kill(os.getpid(), signal.SIGTERM)  # ends the load as any other wish to end it does
