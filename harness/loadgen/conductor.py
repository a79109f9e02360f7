"""Runs the load of one process: spawns its users, follows the clock, writes down each second, drains, ends."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import gevent
from locust import User
from locust.env import Environment

from harness.errors import HarnessError, PlanError
from harness.loadgen import locust_stats
from harness.loadgen.arrivals import ArrivalUser, Dispatcher, Pool, Sink
from harness.loadgen.classroom import ClassroomUser, Holder
from harness.loadgen.director import Director, sleep_until
from harness.loadgen.distributed.messages import COMPLETED
from harness.loadgen.generator import Generator
from harness.loadgen.health import Health, Heartbeat, be_woken_first, calm_collector, raise_descriptor_limit
from harness.loadgen.hooks import hook
from harness.loadgen.http_client.client import Retries
from harness.loadgen.recorder import Endpoint
from harness.loadgen.rooms import Rooms
from harness.loadgen.sizes import arrives
from harness.loadgen.upload import UploadFlowUser, read_clip
from harness.loadgen.users import classes_of, spawn_at_once, users_by_class
from harness.model.samples import JobEvent, RequestRow
from harness.model.target import Flow, FlowKind

_ROWS_AT_ONCE = 4
_SPAWN_PATIENCE_SECONDS = 10.0

_logger = logging.getLogger("proofload")


class Conductor:
    """Runs the load of one plan, or a worker's part of it: prepare, start, follow the clock, drain, end."""

    def __init__(self, environment: Environment, generator: Generator, director: Director) -> None:
        self._environment = environment
        self._generator = generator
        self._director = director
        self._plan = director.plan
        self._heartbeat = Heartbeat()
        self._health = Health(generator, self._heartbeat)
        self._sinks: dict[str, Sink] = {}
        self._rooms: Rooms | None = None
        self._holder: Holder | None = None
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self._begun = False
        self._finished = False
        self._reconnects = 0
        self._unwritten: list[RequestRow] = []
        self._priority = 0
        self._users = 0
        self._parent = os.getppid()
        self._reason = ""

    def set_up(self) -> None:
        """Give each flow its users, and have Locust spawn them all at once. Raises HarnessError."""
        environment = self._environment
        ArrivalUser.generator = ClassroomUser.generator = self._generator
        chosen = classes_of(environment, self._plan)
        sizes = users_by_class(self._plan, self._director.shard)
        for flow, user_class in chosen.values():
            user_class.fixed_count = sizes[flow.user_class]
            self._assign(flow, user_class)
        environment.user_classes = [user_class for _, user_class in chosen.values()]
        self._users = sum(sizes.values())
        spawn_at_once(environment, self._users)
        environment.process_exit_code = 0
        events = environment.events
        hook(events.user_error, self._on_user_error)
        hook(events.spawning_complete, self._on_spawned)
        hook(events.quitting, lambda **_: self.finish(self._reason or self._director.stopped))
        # As SIGTERM: it ends the load from a greenlet of its own, never in the middle of a record.
        gevent.signal_handler(signal.SIGINT, os.kill, os.getpid(), signal.SIGTERM)
        raise_descriptor_limit()
        self._priority = be_woken_first()
        self._director.settled()

    def _assign(self, flow: Flow, user_class: type[User]) -> None:
        generator, plan, shard = self._generator, self._plan, self._director.shard
        most_waiting = shard.share(plan.max_waiting)
        if issubclass(user_class, ClassroomUser):
            user_class.flow = flow.name
            self._rooms = Rooms(generator, flow.name, user_class.words, most_waiting)
            self._holder = Holder(generator, self._rooms, plan.held, shard)
            ClassroomUser.rooms, ClassroomUser.holder = self._rooms, self._holder
            self._sinks[flow.name] = self._rooms
        elif issubclass(user_class, ArrivalUser):
            if issubclass(user_class, UploadFlowUser) and arrives(plan, flow):
                UploadFlowUser.clip = read_clip()
            name, kind = user_class.first_step
            user_class.flow = flow.name
            user_class.pool = Pool(generator, Endpoint(name, flow.name, kind), most_waiting)
            self._sinks[flow.name] = user_class.pool
        else:
            raise PlanError(
                f"{flow.user_class} cannot take arrivals",
                f"flow {flow.name}",
                "derive it from HttpFlowUser, UploadFlowUser or ClassroomUser",
            )

    @staticmethod
    def _on_user_error(user_instance: User, **_: Any) -> None:
        if isinstance(user_instance, ArrivalUser):
            user_instance.session_failed = True

    def _on_spawned(self, **_: Any) -> None:
        if not self._begun:
            self._begun = True
            gevent.spawn(self._conduct).link_exception(self._on_crash)

    def _conduct(self) -> None:
        generator, director = self._generator, self._director
        try:
            self._wait_for_users()
            generator.prepare_once()
            director.ready(self._environment.runner.user_count, self._priority)  # type: ignore[union-attr]
            calm_collector()
            generator.start_seconds = director.start()
        except HarnessError as error:
            _logger.error("%s (%s) %s", error.message, ", ".join(error.where), error.hint)
            self._environment.process_exit_code = 1
            self.finish(f"not started: {error.message}")
            self._environment.runner.quit()  # type: ignore[union-attr]
            return
        self._start(Dispatcher(generator, self._plan, director.shard, self._sinks).run)
        if self._holder is not None:
            self._start(self._holder.run)
        beating = self._start(self._heartbeat.run)
        self._start(director.announce)
        self._start(self._tick)
        self._sleep_until(self._plan.duration_seconds)
        director.load_end()
        self._drain()
        for sink in self._sinks.values():
            sink.give_up()
        if self._rooms is not None and self._holder is not None:
            self._rooms.sweep(everything=True)
            self._holder.close_all()
        beating.kill()  # stopping a thousand users takes the loop a while, which says nothing about the load
        # Kills the users, and what they still have under way is recorded as unfinished.
        self._environment.runner.stop()  # type: ignore[union-attr]
        self.finish(COMPLETED)
        self._environment.runner.quit()  # type: ignore[union-attr]

    def _wait_for_users(self) -> None:
        """A master says that all are there when it has waited a second for its workers to say so."""
        deadline = time.monotonic() + _SPAWN_PATIENCE_SECONDS
        while self._environment.runner.user_count < self._users and time.monotonic() < deadline:  # type: ignore[union-attr]
            gevent.sleep(0.01)

    def _start(self, run: Callable[[], None]) -> gevent.Greenlet[..., Any]:
        greenlet = gevent.spawn(run)
        # A greenlet that dies takes a part of the load with it: that must end the run, and be said.
        greenlet.link_exception(self._on_crash)
        self._greenlets.append(greenlet)
        return greenlet

    def _on_crash(self, greenlet: gevent.Greenlet[..., Any]) -> None:
        self._environment.process_exit_code = 1
        try:
            self.finish(f"crashed: {greenlet.exception!r}")
        finally:
            gevent.spawn(self._environment.runner.quit)  # type: ignore[union-attr]

    def _sleep_until(self, seconds: float) -> None:
        sleep_until(self._generator.start_seconds + seconds)

    def _tick(self) -> None:
        """Each second: write the increments and a health sample.

        A generator whose harness was killed would go on loading a system that nobody watches: it ends instead.
        """
        second = 0
        while True:
            second += 1
            self._sleep_until(second)
            if os.getppid() != self._parent:
                self._reason = "interrupted: the harness has gone away"
                os.kill(os.getpid(), signal.SIGTERM)
            if self._rooms is not None:
                self._rooms.sweep()
            self._flush(pausing=True)
            self._director.flushed()

    def _flush(self, *, pausing: bool = False) -> None:
        """Write the increments and a sample. ``pausing``: a few rows at a time, since encoding a hundred of them in one
        go would make every arrival of that moment late."""
        evidence = self._generator.evidence
        assert evidence is not None
        self._unwritten += self._generator.recorder.take()
        while self._unwritten:
            rows, self._unwritten = self._unwritten[:_ROWS_AT_ONCE], self._unwritten[_ROWS_AT_ONCE:]
            evidence.requests.append(*rows)
            locust_stats.feed(self._environment.stats, rows)
            if pausing:
                gevent.sleep(0)
        evidence.generator.append(self._health.sample())
        if self._generator.reconnects > self._reconnects:
            self._generator.event("socket-reconnect", count=self._generator.reconnects - self._reconnects)
            self._reconnects = self._generator.reconnects

    def _drain(self) -> None:
        """Wait for what is under way: jobs for as long as the plan waits for a job, all else for a request's timeout
        and the pauses of a session."""
        generator, plan = self._generator, self._plan
        steps = max((flow.http_steps for flow in plan.flows if flow.kind is FlowKind.HTTP), default=1)
        ended = time.monotonic()
        sessions_until = ended + plan.request_timeout_seconds + steps * plan.think_seconds[1]
        jobs_until = ended + plan.job_timeout_seconds
        while True:
            now = time.monotonic()
            counts = generator.counts
            busy = counts.in_flight + counts.waiting > 0 or (self._rooms is not None and not self._rooms.quiet)
            if not busy or now >= (jobs_until if generator.open_jobs else sessions_until):
                return
            gevent.sleep(0.1)

    def finish(self, reason: str) -> None:
        """Write the last rows; nothing is recorded after it. Does nothing the second time.

        An interrupted load leaves its requests in flight, as they were: they are no errors of the system under load.
        """
        if self._finished:
            return
        self._finished = True
        generator = self._generator
        for greenlet in self._greenlets:
            if greenlet is not gevent.getcurrent():
                greenlet.kill(block=False)
        generator.closed = True
        evidence = generator.evidence
        assert evidence is not None
        try:
            for identifier, detail in generator.open_jobs.items():
                evidence.jobs.append(JobEvent(time.monotonic(), identifier, "censored", {"reason": reason, **detail}))
            self._flush()
            self._director.end(
                reason,
                arrivals_in_flight=generator.counts.in_flight,
                arrivals_waiting=generator.counts.waiting,
                requests_in_flight=generator.meter.in_flight,
                requests_repeated=Retries.count,
                jobs_unfinished=len(generator.open_jobs),
            )
        except OSError as error:  # a full disk: without this last word the harness knows that the rest is missing
            self._environment.process_exit_code = 1
            _logger.error("the last rows could not be written (%s): %s", error.strerror, reason)
