"""A worker of another host: it joins a master first, then loads the flows that the master's plan is about.

Locust can fetch a locustfile from its master, which would be code from whoever listens there; here master and worker
prove the token to each other, and the flows are a file of this host that must be the same as the master's.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from locust.env import Environment
from locust.event import EventHook, Events
from locust.util.load_locustfile import load_locustfile

from harness.errors import HarnessError
from harness.loadgen.distributed.worker import FromMaster
from harness.loadgen.hooks import hook
from harness.loadgen.variables import FLOWS_VARIABLE, HOME_VARIABLE
from harness.model.samples import Event
from harness.store.jsonl import Appender

STATUS_NAME = "status.jsonl"
"""In the worker's home: what becomes of it, for ``proofload worker`` to show."""

_FLOWS = Path(__file__).resolve().parents[4] / "locustfiles"

_logger = logging.getLogger("proofload")


def install(events: Events) -> None:
    """Join the master when Locust is ready. What goes wrong is told in the status, and ends the process."""

    def on_init(environment: Environment, **_: Any) -> None:
        status = Appender(Path(os.environ[HOME_VARIABLE]) / STATUS_NAME)

        def tell(name: str, /, **detail: object) -> None:
            status.append(Event(time.monotonic(), time.time(), name, detail))

        try:
            director = FromMaster(environment, find_flows, tell=tell)
        except HarnessError as error:
            tell("refused", message=error.message, where=list(error.where), hint=error.hint)
            sys.exit(1)
        except Exception:
            _logger.exception("the master could not be joined")
            sys.exit(1)
        tell("joined", run=director.run, worker=director.shard.worker + 1, workers=director.shard.workers)
        assert director.locustfile is not None  # else the master would have refused
        environment.proofload_director = director  # type: ignore[attr-defined]
        load_flows(environment, events, director.locustfile)

    hook(events.init, on_init)


def find_flows(name: str) -> Path | None:
    """The person's own locustfile, else Proofload's of that name."""
    path = Path(os.environ.get(FLOWS_VARIABLE) or _FLOWS / Path(name).name)
    return path if path.is_file() else None


def load_flows(environment: Environment, events: Events, locustfile: Path) -> None:
    """Import the locustfile as Locust does, late: what it wants done when Locust is ready is done now."""
    passed: Any = events.init
    wanted: Any = EventHook()  # type: ignore[no-untyped-call]
    events.init = wanted
    try:
        classes, _ = load_locustfile(str(locustfile))
    finally:
        events.init = passed
    environment.user_classes = list(classes.values())
    wanted.fire(environment=environment, runner=environment.runner, web_ui=None)
