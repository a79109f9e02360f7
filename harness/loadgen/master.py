"""The master of a load that several workers offer together: it directs them, and only it writes the run directory."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
import gevent.event
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from harness.errors import GeneratorError, WorkerLost
from harness.loadgen.admission import Admission, Newcomer
from harness.loadgen.clocks import SHARED, Offset, wall_less_monotonic
from harness.loadgen.crew import Crew, FixedShares
from harness.loadgen.director import narrate, sleep_until, write_event
from harness.loadgen.evidence import files_of
from harness.loadgen.health import be_woken_first
from harness.loadgen.hooks import hook
from harness.loadgen.luggage import luggage_of, terms_of
from harness.loadgen.messages import (
    CHALLENGE,
    COMPLETED,
    HELLO,
    JOIN,
    LEAVE,
    PLAN,
    PONG,
    READY,
    REPORT,
    START,
    STOP,
    TAKEN,
    listen,
)
from harness.loadgen.pings import Pings
from harness.loadgen.trust import Token
from harness.loadgen.users import classes_of, spawn_at_once, users_by_class
from harness.model.plan import LoadPlan
from harness.model.samples import Event
from harness.planning.schedule import Shard
from harness.store.jsonl import encode
from harness.store.layout import RunDirectory

_HELLO_PATIENCE_SECONDS = 60.0
"""For all workers of this host to import Locust and the locustfile; for others it is the person's."""

_LEAD_SECONDS = 0.5
"""From the agreement on t = 0 to t = 0: for the word to reach everybody, beside the longest way there and back."""

_MOST_REFUSALS = 100
"""Of which the events tell: strangers must not fill the disk."""

_LAST_WORDS_SECONDS = 5.0
"""For the workers' last reports when the load is ended early; the harness waits a little longer for us."""

_LOOK_SECONDS = 0.2
"""Between two looks at who is still there."""

_logger = logging.getLogger("proofload")


@dataclass(eq=False, slots=True)
class _Worker:
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


class Master:
    """Directs the workers of one run. Raises OSError when the run directory cannot be written."""

    def __init__(
        self,
        environment: Environment,
        run: RunDirectory,
        plan: LoadPlan,
        workers: int,
        patience_seconds: float | None = None,
    ) -> None:
        """workers: how many take part. patience_seconds: how long to wait for them to come from other hosts; None to
        start them on this one."""
        runner = environment.runner
        assert isinstance(runner, MasterRunner)
        self._environment = environment
        self._runner = runner
        self._run = run
        self._plan = plan
        self._count = workers
        self._files = files_of(run)
        token = Token.of()
        self._crew = Crew(environment, run.logs, token)
        self._patience = patience_seconds
        self._admission = Admission(terms_of(environment), token, workers)
        self._workers: dict[str, _Worker] = {}
        self._refusals = 0
        self._called_off = False
        self._started_seconds: float | None = None
        self._narrator: gevent.Greenlet[..., Any] | None = None
        self._reason = "interrupted"
        self._stopping = False
        self._ending = False
        self._finished = False
        self._said = gevent.event.Event()
        self._parent = os.getppid()

    def set_up(self) -> None:
        """Start the workers and have Locust spawn their users once all have come. Raises HarnessError."""
        environment, plan = self._environment, self._plan
        chosen = classes_of(environment, plan)
        environment.user_classes = [user_class for _, user_class in chosen.values()]
        shares = [users_by_class(plan, Shard(index, self._count)) for index in range(self._count)]
        spawn_at_once(environment, sum(sum(share.values()) for share in shares))
        environment.process_exit_code = 0
        self.listen()
        hook(environment.events.quitting, lambda **_: self.finish(self._reason))
        hook(environment.events.quit, lambda **_: self._crew.dismiss())
        gevent.signal_handler(signal.SIGINT, os.kill, os.getpid(), signal.SIGTERM)
        be_woken_first()  # for the whole session, of which this is the first process
        if self._patience is None:
            self._crew.start(self._count)
        calling_off = gevent.signal_handler(signal.SIGTERM, setattr, self, "_called_off", True)
        try:
            self._wait_for_all()
        finally:
            calling_off.cancel()  # from here on Locust's own
        by_client = {worker.client: shares[worker.index] for worker in self._workers.values()}
        environment.dispatcher_class = partial(FixedShares, by_client)  # type: ignore[assignment]
        gevent.spawn(self._look_after).link_exception(lambda greenlet: self._crash(greenlet.exception))

    def listen(self) -> None:
        """Hear what workers have to say."""
        listen(self._runner, HELLO, self._or_crash(self._on_hello))
        listen(self._runner, JOIN, self._or_crash(self._on_join))
        said = {LEAVE: self._on_leave, READY: self._on_ready, PONG: self._on_pong, REPORT: self._on_report}
        for name, heard in said.items():
            listen(self._runner, name, self._or_crash(self._of_member(heard)))

    def give_up(self, reason: str) -> None:
        """The last word when there is to be no load, and nobody left."""
        self.finish(reason)
        self._crew.dismiss()

    # Before the load

    def _wait_for_all(self) -> None:
        expected = self._patience is not None
        patience = _HELLO_PATIENCE_SECONDS if self._patience is None else self._patience
        if expected:
            self._event("workers-awaited", workers=self._count, port=self._runner.server.port)
        deadline = time.monotonic() + patience
        while len(self._workers) < self._count:
            gevent.sleep(0.05)
            if self._called_off:
                raise GeneratorError("called off")
            if os.getppid() != self._parent:
                raise GeneratorError("the harness has gone away")
            for number in self._crew.numbers:
                if gone := self._crew.gone(number):
                    log = self._run.logs / f"generator-worker-{number}.log"
                    raise WorkerLost(f"worker {number} {gone} before the load", str(log), "its log says why")
            for worker in tuple(self._workers.values()) if expected else ():
                if gone := self._gone(worker):
                    del self._workers[worker.client]
                    self._admission.leave(worker.client)
                    self._event("worker-left", worker=worker.name, reason=gone, here=self._names(), of=self._count)
            if time.monotonic() > deadline:
                raise WorkerLost(
                    f"{len(self._workers)} of {self._count} workers came within {patience:.0f} s",
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
        self._workers[client] = self._worker(newcomer)
        self._send(
            client,
            PLAN,
            plan=encode(self._plan),
            run=self._run.path.name,
            host=self._environment.host,
            worker=newcomer.index,
            workers=self._count,
            **({} if newcomer.number else luggage_of(self._plan)),
        )
        if self._patience is not None:
            self._event("worker-joined", worker=newcomer.name, here=self._names(), of=self._count)

    def _worker(self, newcomer: Newcomer) -> _Worker:
        offset = SHARED if newcomer.same_clock else None
        pings = Pings(self._runner, newcomer.client)
        return _Worker(newcomer.client, newcomer.name, newcomer.number, newcomer.index, offset, pings)

    def _refuse(self, client: str, error: GeneratorError) -> None:
        """It is sent away, and both sides say why. The others are waited for."""
        self._send(client, STOP, reason=error.message, hint=error.hint)
        self._refusals += 1
        if self._refusals <= _MOST_REFUSALS:
            self._event("worker-refused", client=client, reason=error.message, hint=error.hint)
            _logger.warning("%s", error.message)

    def _on_leave(self, worker: _Worker, data: dict[str, Any]) -> None:
        worker.left = str(data["reason"])

    def _on_ready(self, worker: _Worker, data: dict[str, Any]) -> None:
        worker.ready = True
        self._event("generator-ready", worker=worker.name, number=worker.index + 1, **data)
        if not self._ending and all(each.ready for each in self._workers.values()):
            self._spawn(self._direct)

    def _on_pong(self, worker: _Worker, data: dict[str, Any]) -> None:
        worker.pings.heard(time.monotonic(), data)

    def _direct(self) -> None:
        """Compare clocks, agree on t = 0, and say what happens from then on."""
        self._admission.begun = True
        strangers = [worker for worker in self._workers.values() if worker.offset is None]
        gevent.joinall([self._spawn(partial(self._compare, worker, "start")) for worker in strangers])
        if self._ending or self._stopping:
            return
        lead = _LEAD_SECONDS + 2 * max((each.pings.longest_seconds for each in strangers), default=0.0)
        start = time.monotonic() + lead
        self._started_seconds = start
        wall = wall_less_monotonic()
        for worker in self._workers.values():
            offset = worker.offset
            clock: dict[str, object] = {}
            if offset is not None and offset is not SHARED:
                clock = {"offset_seconds": offset.seconds, "wall_seconds": wall}
            self._send(worker.client, START, monotonic_seconds=start, **clock)
        sleep_until(start)
        names = [worker.name for worker in sorted(self._workers.values(), key=lambda worker: worker.index)]
        wall = time.time() + start - time.monotonic()
        self._files["events"].append(Event(start, wall, "load-start", {"workers": names}))
        self._narrator = self._spawn(lambda: self._narrate(start))

    def _compare(self, worker: _Worker, when: str) -> None:
        """Hold its clock against ours. Without an answer there is no load, or at its end no more to be known."""
        offset = worker.pings.measure()
        if when == "start":
            worker.offset = offset
            if offset is None:
                self._lose(worker, "does not answer when its clock is to be compared")
        detail: dict[str, object] = {"worker": worker.name, "when": when}
        if offset is not None:
            detail |= {
                "offset_seconds": offset.seconds,
                "uncertainty_seconds": offset.uncertainty_seconds,
                "exchanges": offset.exchanges,
            }
        self._event("worker-clock", **detail)

    def _narrate(self, start: float) -> None:
        narrate(self._plan, start, lambda name, detail: self._event(name, **detail))
        sleep_until(start + self._plan.duration_seconds)
        self._event("load-end")

    # During the load

    def _on_report(self, worker: _Worker, data: dict[str, Any]) -> None:
        """Write a worker's lines, then say that they are written. It waits for that word before it goes, so that its
        clock can be compared once more."""
        number, word = int(data["number"]), data["last_word"]
        if number > worker.reports:
            if missing := number - worker.reports - 1:
                self._event("evidence-gap", worker=worker.name, reports=missing)
            for kind, lines in data["lines"].items():
                self._files[kind].append_lines(lines)
            worker.reports, worker.heard_seconds = number, time.monotonic()
            if word is not None and worker.offset is not SHARED and self._started_seconds is not None:
                self._spawn(lambda: self._conclude(worker, number, word))
                return
        self._taken(worker, number, word)

    def _conclude(self, worker: _Worker, number: int, word: dict[str, Any]) -> None:
        self._compare(worker, "end")
        self._taken(worker, number, word)

    def _taken(self, worker: _Worker, number: int, word: dict[str, Any] | None) -> None:
        self._send(worker.client, TAKEN, number=number)
        if word is not None:
            worker.last_word = dict(word)
            self._on_last_word(worker, str(word["reason"]))

    def _on_last_word(self, worker: _Worker, reason: str) -> None:
        if self._ending:
            return
        if reason != COMPLETED and not worker.lost:
            self._lose(worker, reason)
        self._end_when_all_are_over()

    def _look_after(self) -> None:
        """Notice a worker that has gone without a word, and a harness that has.

        A last word may have arrived and not been read: a worker is lost at the second look that finds it gone.
        """
        missed: set[_Worker] = set()
        while not self._ending:
            gevent.sleep(_LOOK_SECONDS)
            if os.getppid() != self._parent:
                self._stop("interrupted: the harness has gone away")
                return
            seen = {worker: self._gone(worker) for worker in tuple(self._workers.values())}
            for worker, gone in seen.items():
                if gone and worker in missed and not worker.over:
                    self._lose(worker, gone)
            missed = {worker for worker, gone in seen.items() if gone}
            self._end_when_all_are_over()

    def _gone(self, worker: _Worker) -> str:
        """How it went; empty while it is there."""
        node = self._runner.clients.get(worker.client)
        missing = "not heard of any more" if node is None or node.state == STATE_MISSING else ""
        return worker.left or self._crew.gone(worker.number) or missing

    def _lose(self, worker: _Worker, reason: str) -> None:
        """Its part of the load is missing from now on. Before the load that is the end of it."""
        worker.lost = reason
        said = reason.removeprefix("not started: ")
        if self._started_seconds is None:
            self._environment.process_exit_code = 1
            self._stop(f"not started: {said if said != reason else f'worker {worker.index + 1} {reason}'}")
            return
        detail: dict[str, object] = {"worker": worker.name, "reason": reason}
        if worker.heard_seconds:
            detail["heard_until_seconds"] = round(worker.heard_seconds - self._started_seconds, 1)
        self._event("worker-lost", **detail)
        _logger.error("worker %s was lost: %s", worker.name, reason)

    # The end

    def _end_when_all_are_over(self) -> None:
        begun = self._started_seconds is not None  # else the loss of one is the end already
        if begun and not self._ending and all(worker.over for worker in self._workers.values()):
            self._ending = True
            self._spawn(self._end)

    def _end(self) -> None:
        if any(not worker.lost for worker in self._workers.values()):
            self._reason = COMPLETED
        else:
            self._reason = "crashed: every worker was lost"
            self._environment.process_exit_code = 1
        self.finish(self._reason)
        self._runner.quit()

    def _stop(self, reason: str) -> None:
        """End as on SIGTERM; the first reason stays."""
        if not self._ending and not self._stopping:
            self._stopping = True
            self._reason = reason
            os.kill(os.getpid(), signal.SIGTERM)

    def finish(self, reason: str) -> None:
        """Hear the last words of all workers and say our own. The second time it only waits for the first."""
        if self._finished:
            self._said.wait(_LAST_WORDS_SECONDS)
            return
        self._finished = self._ending = True
        if self._narrator is not None:
            if reason == COMPLETED:
                self._narrator.join(1.0)  # its last word falls on the moment at which the workers may be done
            self._narrator.kill(block=False)
        waited_for = [worker for worker in self._workers.values() if not worker.over]
        for worker in waited_for:
            self._send(worker.client, STOP, reason=reason)
        deadline = time.monotonic() + _LAST_WORDS_SECONDS
        while time.monotonic() < deadline and not all(map(self._has_ended, waited_for)):
            gevent.sleep(0.02)
        words = [worker.last_word for worker in self._workers.values() if worker.last_word is not None]
        keys = ("arrivals_in_flight", "arrivals_waiting", "requests_in_flight", "jobs_unfinished")
        try:
            self._event("generator-end", reason=reason, **{key: sum(word[key] for word in words) for key in keys})
        except OSError as error:  # a full disk: without this last word the harness knows that the rest is missing
            self._environment.process_exit_code = 1
            _logger.error("the last rows could not be written (%s): %s", error.strerror, reason)
        self._said.set()

    def _has_ended(self, worker: _Worker) -> bool:
        return worker.over or bool(self._crew.gone(worker.number))

    # Helpers

    def _names(self) -> list[str]:
        return [worker.name for worker in self._workers.values()]

    def _of_member(self, heard: Callable[[_Worker, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
        """What is said by somebody who was never let in is not listened to."""

        def listened(client: str, data: dict[str, Any]) -> None:
            if worker := self._workers.get(client):
                heard(worker, data)

        return listened

    def _event(self, name: str, /, **detail: object) -> None:
        write_event(self._files["events"], name, **detail)

    def _send(self, client: str, name: str, /, **data: object) -> None:
        self._runner.send_message(name, data, client)

    def _spawn(self, run: Callable[[], None]) -> gevent.Greenlet[..., Any]:
        greenlet = gevent.spawn(run)
        greenlet.link_exception(lambda greenlet: self._crash(greenlet.exception))
        return greenlet

    def _or_crash(self, heard: Callable[[str, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
        """Locust only logs what its listeners raise, and would go on with evidence that nobody writes."""

        def guarded(client: str, data: dict[str, Any]) -> None:
            try:
                heard(client, data)
            except Exception as error:  # noqa: BLE001 - it ends the load, and its text is kept
                self._crash(error)

        return guarded

    def _crash(self, error: BaseException | None) -> None:
        self._environment.process_exit_code = 1
        _logger.error("the master could not go on", exc_info=error)
        self._stop(f"crashed: {error!r}")
