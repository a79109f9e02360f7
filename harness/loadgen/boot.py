"""How the ``locust`` command becomes the generator of a run.

Environment: PROOFLOAD_RUN names the run directory with plan.json; without it the locustfile runs as any other, in
Locust's closed model. A locustfile calls ``install`` once, at its end, and its user classes are named as the plan's
flows name them.

All users are spawned at once, before t = 0, in fixed numbers, by setting Locust's own ``-u``, ``-r`` and
``fixed_count``: they are idle until the dispatcher hands them an arrival, so Locust's ramps and load shapes have
nothing to do here.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust import User
from locust.env import Environment
from locust.event import Events
from locust.exception import StopTest
from locust.runners import LocalRunner

from harness.errors import HarnessError, PlanError
from harness.loadgen.arrivals import ArrivalUser, Dispatcher, Pool, Sink
from harness.loadgen.classroom import ClassroomUser, Holder
from harness.loadgen.generator import Generator, Prepare
from harness.loadgen.health import Health, Heartbeat, be_woken_first, calm_collector, raise_descriptor_limit
from harness.loadgen.net import Origin
from harness.loadgen.recorder import Endpoint
from harness.loadgen.rooms import Rooms
from harness.loadgen.sizes import arrives, pool_sizes
from harness.loadgen.upload import CLIP_VARIABLE, UploadFlowUser, read_clip
from harness.model.plan import LoadPlan
from harness.model.samples import JobEvent, RequestRow
from harness.model.target import Flow, FlowKind
from harness.store.jsonl import read_whole
from harness.store.layout import RunDirectory

RUN_VARIABLE = "PROOFLOAD_RUN"

_ROWS_AT_ONCE = 16

_logger = logging.getLogger("proofload")


def install(events: Events, prepare: Prepare) -> None:
    """Wire the generator into Locust's events.

    prepare is called once before the load with the generator, to log in and look up what the sessions need; it is not
    recorded, and raises a HarnessError when the system under load cannot be used.
    """

    def on_init(environment: Environment, **_: Any) -> None:
        path = os.environ.get(RUN_VARIABLE)
        conductor = None
        try:
            if not path:
                _listen(events.test_start, lambda environment, **_: _run_bare(environment, prepare))
                if environment.web_ui is None:
                    Origin.parse(environment.host or "")  # with its web page, Locust asks for it later
                return
            if not isinstance(environment.runner, LocalRunner):
                raise PlanError(
                    "the generator is one locust process: several would each offer the whole load",
                    hint="leave out --processes, --master and --worker",
                )
            run = RunDirectory(Path(path))
            plan = read_whole(run.plan, LoadPlan)
            conductor = Conductor(environment, Generator(environment, run, plan, prepare), plan)
            conductor.set_up()
        except HarnessError as error:
            _logger.error("%s (%s) %s", error.message, ", ".join(error.where), error.hint)
            if conductor is not None:
                conductor.finish(f"not started: {error.message}")
            sys.exit(1)
        except Exception:
            # Locust would log it and go on, with users that nobody conducts.
            _logger.exception("the load could not be prepared")
            sys.exit(1)

    _listen(events.init, on_init)


def _listen(hook: Any, listener: Callable[..., None]) -> None:
    hook.add_listener(listener)


def _run_bare(environment: Environment, prepare: Prepare) -> None:
    """No plan: ordinary Locust users, which record into Locust's own statistics only."""
    try:
        generator = Generator(environment, None, None, prepare)
        if os.environ.get(CLIP_VARIABLE):
            UploadFlowUser.clip = read_clip()
    except HarnessError as error:
        raise StopTest(f"{error.message}. {error.hint}") from error
    ArrivalUser.generator = ClassroomUser.generator = generator
    # As Locust does: what is under way when the users are stopped is not counted.
    _listen(environment.events.test_stopping, lambda **_: setattr(generator, "closed", True))
    for user_class in environment.user_classes:
        if issubclass(user_class, ClassroomUser):
            user_class.flow = user_class.__name__.lower()
            ClassroomUser.rooms = Rooms(generator, user_class.flow, user_class.words, 0)
        elif issubclass(user_class, ArrivalUser):
            user_class.flow = user_class.__name__.lower()


class Conductor:
    """Runs the load of one plan: prepare, start, follow the clock, drain, end."""

    def __init__(self, environment: Environment, generator: Generator, plan: LoadPlan) -> None:
        self._environment = environment
        self._generator = generator
        self._plan = plan
        self._heartbeat = Heartbeat()
        self._health = Health(generator, self._heartbeat)
        self._sinks: dict[str, Sink] = {}
        self._rooms: Rooms | None = None
        self._holder: Holder | None = None
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self._begun = False
        self._finished = False
        self._reconnects = 0
        self._reason = "interrupted"
        self._unwritten: list[RequestRow] = []
        self._priority = 0
        self._parent = os.getppid()

    def set_up(self) -> None:
        """Give each flow its users, and have Locust spawn them all at once. Raises HarnessError."""
        environment, plan = self._environment, self._plan
        ArrivalUser.generator = ClassroomUser.generator = self._generator
        sizes = pool_sizes(plan)
        by_name = environment.user_classes_by_name
        chosen: list[type[User]] = []
        for flow in plan.flows:
            user_class = by_name.get(flow.user_class)
            if user_class is None:
                known = ", ".join(sorted(by_name))
                raise PlanError(
                    f"the locustfile has no user class {flow.user_class}", f"flow {flow.name}", f"it has {known}"
                )
            self._assign(flow, user_class, sizes[flow.name])
            chosen.append(user_class)
        unknown = {stream.flow for stream in plan.streams} - {flow.name for flow in plan.flows}
        if unknown:
            raise PlanError(f"a stream of arrivals for no flow: {', '.join(sorted(unknown))}", "plan.json")
        environment.user_classes = chosen
        options = environment.parsed_options
        assert options is not None
        options.num_users = options.spawn_rate = sum(sizes.values())
        environment.process_exit_code = 0
        events = environment.events
        _listen(events.user_error, self._on_user_error)
        _listen(events.spawning_complete, self._on_spawned)
        _listen(events.quitting, lambda **_: self.finish(self._reason))
        # As SIGTERM: it ends the load from a greenlet of its own, never in the middle of a record.
        gevent.signal_handler(signal.SIGINT, os.kill, os.getpid(), signal.SIGTERM)
        raise_descriptor_limit()
        self._priority = be_woken_first()

    def _assign(self, flow: Flow, user_class: type[User], size: int) -> None:
        user_class.fixed_count = size
        if issubclass(user_class, ClassroomUser):
            user_class.flow = flow.name
            self._rooms = Rooms(self._generator, flow.name, user_class.words, self._plan.max_waiting)
            self._holder = Holder(self._generator, self._rooms, self._plan.held)
            ClassroomUser.rooms, ClassroomUser.holder = self._rooms, self._holder
            self._sinks[flow.name] = self._rooms
        elif issubclass(user_class, ArrivalUser):
            if issubclass(user_class, UploadFlowUser) and arrives(self._plan, flow):
                UploadFlowUser.clip = read_clip()
            name, kind = user_class.first_step
            user_class.flow = flow.name
            user_class.pool = Pool(self._generator, Endpoint(name, flow.name, kind), self._plan.max_waiting)
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
        generator, plan = self._generator, self._plan
        try:
            generator.prepare_once()
        except HarnessError as error:
            _logger.error("%s (%s) %s", error.message, ", ".join(error.where), error.hint)
            self._environment.process_exit_code = 1
            self.finish(f"not started: {error.message}")
            self._environment.runner.quit()  # type: ignore[union-attr]
            return
        users = self._environment.runner.user_count  # type: ignore[union-attr]
        generator.event("generator-ready", users=users, priority=self._priority)
        calm_collector()
        generator.start_seconds = time.monotonic()
        generator.event("load-start")
        self._start(Dispatcher(generator, plan, self._sinks).run)
        if self._holder is not None:
            self._start(self._holder.run)
        beating = self._start(self._heartbeat.run)
        self._start(self._announce)
        self._start(self._tick)
        self._sleep_until(plan.duration_seconds)
        generator.event("load-end")
        self._drain()
        for sink in self._sinks.values():
            sink.give_up()
        if self._rooms is not None and self._holder is not None:
            self._rooms.sweep(everything=True)
            self._holder.close_all()
        beating.kill()  # stopping a thousand users takes the loop a while, which says nothing about the load
        # Kills the users, and what they still have under way is recorded as unfinished; then Locust fires "quitting".
        self._reason = "completed"
        self._environment.runner.quit()  # type: ignore[union-attr]

    def _start(self, run: Callable[[], None]) -> gevent.Greenlet[..., Any]:
        greenlet = gevent.spawn(run)
        # A greenlet that dies takes a part of the load with it: that must end the run, and be said.
        greenlet.link_exception(self._on_crash)
        self._greenlets.append(greenlet)
        return greenlet

    def _on_crash(self, greenlet: gevent.Greenlet[..., Any]) -> None:
        self._environment.process_exit_code = 1
        gevent.spawn(self._environment.runner.quit)  # type: ignore[union-attr]  # runs after this, even if this fails
        self.finish(f"crashed: {greenlet.exception!r}")

    def _sleep_until(self, seconds: float) -> None:
        gevent.sleep(max(0.0, self._generator.start_seconds + seconds - time.monotonic()))

    def _announce(self) -> None:
        """Write when each level and phase begins."""
        for level in self._plan.levels:
            self._sleep_until(level.start_seconds)
            self._generator.event("level", name=str(level.name))
            for phase in level.phases:
                self._sleep_until(phase.start_seconds)
                self._generator.event("phase", level=str(level.name), phase=str(phase.name))

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

    def _flush(self, *, pausing: bool = False) -> None:
        """Write the increments and a sample. ``pausing``: a few rows at a time, since encoding a hundred of them in one
        go would make every arrival of that moment late."""
        evidence = self._generator.evidence
        assert evidence is not None
        self._unwritten += self._generator.recorder.take()
        while self._unwritten:
            rows, self._unwritten = self._unwritten[:_ROWS_AT_ONCE], self._unwritten[_ROWS_AT_ONCE:]
            evidence.requests.append(*rows)
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
            generator.event(
                "generator-end",
                reason=reason,
                arrivals_in_flight=generator.counts.in_flight,
                arrivals_waiting=generator.counts.waiting,
                requests_in_flight=generator.meter.in_flight,
                jobs_unfinished=len(generator.open_jobs),
            )
        except OSError as error:  # a full disk: without this last word the harness knows that the rest is missing
            self._environment.process_exit_code = 1
            _logger.error("the last rows could not be written (%s): %s", error.strerror, reason)
