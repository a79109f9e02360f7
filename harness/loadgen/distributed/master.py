"""The master of a load that several workers offer together: it directs them, and only it writes the run directory."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import gevent.event
from locust.env import Environment
from locust.runners import MasterRunner

from harness.loadgen.director import narrate, sleep_until, write_event
from harness.loadgen.distributed.clocks import SHARED, wall_less_monotonic
from harness.loadgen.distributed.crew import FixedShares
from harness.loadgen.distributed.gathering import Gathering, Worker
from harness.loadgen.distributed.messages import (
    COMPLETED,
    PONG,
    READY,
    REPORT,
    START,
    STOP,
    TAKEN,
    listen,
)
from harness.loadgen.evidence import files_of
from harness.loadgen.health import be_woken_first
from harness.loadgen.hooks import hook
from harness.loadgen.users import classes_of, spawn_at_once, users_by_class
from harness.model.plan import LoadPlan
from harness.model.samples import Event
from harness.planning.schedule import Shard
from harness.store.layout import RunDirectory

_LEAD_SECONDS = 0.5
"""From the agreement on t = 0 to t = 0: for the word to reach everybody, beside the longest way there and back."""

_COMPARING_SECONDS = {"start": 5.0, "end": 1.5}
"""How long clocks are compared where messages take their time. At the end the worker waits for it."""

_LAST_WORDS_SECONDS = 5.0
"""For the workers' last reports when the load is ended early; the harness waits a little longer for us."""

_LOOK_SECONDS = 0.2
"""Between two looks at who is still there."""

_logger = logging.getLogger("proofload")


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
        """workers: how many take part, and ``patience_seconds`` as of ``Gathering``."""
        runner = environment.runner
        assert isinstance(runner, MasterRunner)
        self._environment = environment
        self._runner = runner
        self._run = run
        self._plan = plan
        self._count = workers
        self._files = files_of(run)
        self._gathering = Gathering(environment, run, plan, workers, patience_seconds, say=self._event)
        self._crew, self._workers = self._gathering.crew, self._gathering.workers
        self._called_off = ""
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
        calling_off = gevent.signal_handler(signal.SIGTERM, setattr, self, "_called_off", "called off")
        try:
            self._gathering.wait_for_all(self._why_called_off)
        finally:
            calling_off.cancel()  # from here on Locust's own
        by_client = {worker.client: shares[worker.index] for worker in self._workers.values()}
        environment.dispatcher_class = partial(FixedShares, by_client)  # type: ignore[assignment]
        gevent.spawn(self._look_after).link_exception(lambda greenlet: self._crash(greenlet.exception))

    def listen(self) -> None:
        """Hear what workers have to say."""
        members = {READY: self._on_ready, PONG: self._on_pong, REPORT: self._on_report}
        said = {**self._gathering.heard, **{name: self._of_member(heard) for name, heard in members.items()}}
        for name, heard in said.items():
            listen(self._runner, name, self._or_crash(heard))

    def give_up(self, reason: str) -> None:
        """The last word when there is to be no load, and nobody left."""
        self.finish(reason)
        self._crew.dismiss()

    # Before the load

    def _why_called_off(self) -> str:
        return self._called_off or ("the harness has gone away" if os.getppid() != self._parent else "")

    def _on_ready(self, worker: Worker, data: dict[str, Any]) -> None:
        worker.ready = True
        self._event("generator-ready", worker=worker.name, number=worker.index + 1, **data)
        if not self._ending and all(each.ready for each in self._workers.values()):
            self._spawn(self._direct)

    def _on_pong(self, worker: Worker, data: dict[str, Any]) -> None:
        worker.pings.heard(time.monotonic(), data)

    def _direct(self) -> None:
        """Compare clocks, agree on t = 0, and say what happens from then on."""
        self._gathering.close()
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

    def _compare(self, worker: Worker, when: str) -> None:
        """Hold its clock against ours. Without an answer there is no load, or at its end no more to be known."""
        offset = worker.pings.measure(_COMPARING_SECONDS[when])
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

    def _on_report(self, worker: Worker, data: dict[str, Any]) -> None:
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

    def _conclude(self, worker: Worker, number: int, word: dict[str, Any]) -> None:
        self._compare(worker, "end")
        self._taken(worker, number, word)

    def _taken(self, worker: Worker, number: int, word: dict[str, Any] | None) -> None:
        self._send(worker.client, TAKEN, number=number)
        if word is not None:
            worker.last_word = dict(word)
            self._on_last_word(worker, str(word["reason"]))

    def _on_last_word(self, worker: Worker, reason: str) -> None:
        if self._ending:
            return
        if reason != COMPLETED and not worker.lost:
            self._lose(worker, reason)
        self._end_when_all_are_over()

    def _look_after(self) -> None:
        """Notice a worker that has gone without a word, and a harness that has.

        A last word may have arrived and not been read: a worker is lost at the second look that finds it gone.
        """
        missed: set[Worker] = set()
        while not self._ending:
            gevent.sleep(_LOOK_SECONDS)
            if os.getppid() != self._parent:
                self._stop("interrupted: the harness has gone away")
                return
            seen = {worker: self._gathering.gone(worker) for worker in tuple(self._workers.values())}
            for worker, gone in seen.items():
                if gone and worker in missed and not worker.over:
                    self._lose(worker, gone)
            missed = {worker for worker, gone in seen.items() if gone}
            self._end_when_all_are_over()

    def _lose(self, worker: Worker, reason: str) -> None:
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

    def _has_ended(self, worker: Worker) -> bool:
        return worker.over or bool(self._crew.gone(worker.number))

    # Helpers

    def _of_member(self, heard: Callable[[Worker, dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
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
