"""How the ``locust`` command becomes the generator of a run.

Environment: PROOFLOAD_RUN names the run directory with plan.json; without it the locustfile runs as any other, in
Locust's closed model. With it a ``locust --master`` starts PROOFLOAD_WORKERS workers of its own host, or with
PROOFLOAD_WORKER_PATIENCE waits for as many from other hosts (``joining``). They get all that they need from it and send
it all that they record: only one process writes the run directory. A locustfile calls
``install`` once, at its end, and its user classes are named as the plan's flows name them.

All users are spawned at once, before t = 0, in fixed numbers, by setting Locust's own ``-u``, ``-r`` and
``fixed_count`` (and for workers its dispatcher of users): they are idle until the dispatcher of arrivals hands them
one, so Locust's ramps and load shapes have nothing to do here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.event import Events
from locust.exception import StopTest
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from harness.errors import HarnessError, PlanError
from harness.loadgen.arrivals import ArrivalUser
from harness.loadgen.classroom import ClassroomUser
from harness.loadgen.conductor import Conductor
from harness.loadgen.director import Alone, Director
from harness.loadgen.distributed.master import Master
from harness.loadgen.distributed.worker import FromMaster, joined
from harness.loadgen.generator import Generator, Prepare
from harness.loadgen.hooks import hook
from harness.loadgen.net import Origin
from harness.loadgen.rooms import Rooms
from harness.loadgen.upload import CLIP_VARIABLE, UploadFlowUser, read_clip
from harness.loadgen.variables import PATIENCE_VARIABLE, RUN_VARIABLE, WORKER_VARIABLE, WORKERS_VARIABLE
from harness.model.plan import LoadPlan
from harness.store.jsonl import read_whole
from harness.store.layout import RunDirectory

_logger = logging.getLogger("proofload")


def install(events: Events, prepare: Prepare) -> None:
    """Wire the generator into Locust's events.

    prepare is called once before the load with the generator, to log in and look up what the sessions need; it is not
    recorded, and raises a HarnessError when the system under load cannot be used. Each worker calls it for itself: what
    a session does may depend on what it finds and on the session's own ``random``, not on other sessions.
    """

    def on_init(environment: Environment, **_: Any) -> None:
        ends: list[Callable[[str], None]] = []
        try:
            if isinstance(environment.runner, WorkerRunner) and WORKER_VARIABLE in os.environ:
                _conduct(environment, prepare, joined(environment) or FromMaster(environment), ends)
            elif path := os.environ.get(RUN_VARIABLE):
                _set_up(environment, prepare, RunDirectory(Path(path)), ends)
            else:
                hook(events.test_start, lambda environment, **_: _run_bare(environment, prepare))
                if environment.web_ui is None:
                    Origin.parse(environment.host or "")  # with its web page, Locust asks for it later
        except HarnessError as error:
            _logger.error("%s (%s) %s", error.message, ", ".join(error.where), error.hint)
            for end in ends[-1:]:
                end(f"not started: {error.message}")
            sys.exit(1)
        except Exception:
            # Locust would log it and go on, with users that nobody conducts.
            _logger.exception("the load could not be prepared")
            sys.exit(1)

    hook(events.init, on_init)
    gevent.config.track_greenlet_tree = False  # for debugging only, 0.4 KB to a user


def _set_up(environment: Environment, prepare: Prepare, run: RunDirectory, ends: list[Callable[[str], None]]) -> None:
    """The one process of a run, or the master of several. ends: gets what says the last word, in order."""
    runner = environment.runner
    workers = int(os.environ.get(WORKERS_VARIABLE, "0") or 0)
    if isinstance(runner, MasterRunner) and workers:
        patience = os.environ.get(PATIENCE_VARIABLE)
        plan = read_whole(run.plan, LoadPlan)
        master = Master(environment, run, plan, workers, None if patience is None else float(patience))
        ends.append(master.give_up)
        master.set_up()
    elif isinstance(runner, LocalRunner):
        _conduct(environment, prepare, Alone(run, read_whole(run.plan, LoadPlan)), ends)
    else:
        raise PlanError(
            "the generator is one locust process: several would each offer the whole load",
            hint="leave out --processes, --master and --worker",
        )


def _conduct(environment: Environment, prepare: Prepare, director: Director, ends: list[Callable[[str], None]]) -> None:
    ends.append(director.end)
    generator = Generator(environment, prepare, director.plan, director.evidence, director.run)
    conductor = Conductor(environment, generator, director)
    ends.append(conductor.finish)
    conductor.set_up()


def _run_bare(environment: Environment, prepare: Prepare) -> None:
    """No plan: ordinary Locust users, which record into Locust's own statistics only."""
    try:
        generator = Generator(environment, prepare)
        if os.environ.get(CLIP_VARIABLE):
            UploadFlowUser.clip = read_clip()
    except HarnessError as error:
        raise StopTest(f"{error.message}. {error.hint}") from error
    ArrivalUser.generator = ClassroomUser.generator = generator
    # As Locust does: what is under way when the users are stopped is not counted.
    hook(environment.events.test_stopping, lambda **_: setattr(generator, "closed", True))
    for user_class in environment.user_classes:
        if issubclass(user_class, ClassroomUser):
            user_class.flow = user_class.__name__.lower()
            ClassroomUser.rooms = Rooms(generator, user_class.flow, user_class.words, 0)
        elif issubclass(user_class, ArrivalUser):
            user_class.flow = user_class.__name__.lower()
