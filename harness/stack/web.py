"""gunicorn with gevent workers: the application's web tier."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.stack.nginx import get
from harness.stack.places import APPLICATION
from harness.stack.ports import LOOPBACK
from harness.stack.proc import children_of, command_line
from harness.stack.processes import Command
from harness.stack.readback import compare, recorded

JITTER_RATIO = 0.1
"""Of max-requests, so that the workers do not all restart at once."""


@dataclass(frozen=True, slots=True)
class Web:
    """Where it listens."""

    port: int

    @property
    def metrics_url(self) -> str:
        """On its own port: scrapes do not pass nginx and are in nobody's count."""
        return f"http://{LOOPBACK}:{self.port}/metrics"


def arguments(size: StackSize, bind: str) -> tuple[str, ...]:
    """gunicorn's, but for where its heartbeats go."""
    return (
        "refapp.wsgi:app",
        "--config=gunicorn_conf.py",  # the application's own hooks, and what does not depend on the stage
        "--worker-class=gevent",
        f"--workers={size.gunicorn_workers}",
        f"--max-requests={size.gunicorn_max_requests}",
        f"--max-requests-jitter={round(size.gunicorn_max_requests * JITTER_RATIO)}",
        *_limits(size),
        f"--bind={bind}",
    )


def serve(
    python: Path, server: Web, size: StackSize, environment: Mapping[str, str], name: str = "gunicorn"
) -> Command:
    """Serve the application."""
    argv = (str(python), "-m", "gunicorn", *arguments(size, f"{LOOPBACK}:{server.port}"), *_heartbeat_folder())
    # SIGQUIT: end now; SIGTERM would wait for every open WebSocket.
    return Command(
        name,
        argv,
        cwd=APPLICATION,
        environment=environment,
        stop_signal=signal.SIGQUIT,
        as_account=False,
    )


def _limits(size: StackSize) -> Iterator[str]:
    """What the plan sets; else the application's own configuration holds, or gunicorn's defaults."""
    for name, value in (
        ("worker-connections", size.gunicorn_worker_connections),
        ("timeout", size.gunicorn_timeout_seconds),
        ("keep-alive", size.gunicorn_keepalive_seconds),
    ):
        if value is not None:
            yield f"--{name}={round(value)}"


def _heartbeat_folder(memory: Path = Path("/dev/shm")) -> tuple[str, ...]:  # noqa: S108 - gunicorn makes it safe
    """Heartbeats in memory, where there is such a folder: a slow disk is not a dead worker."""
    return (f"--worker-tmp-dir={memory}",) if os.access(memory, os.W_OK) else ()


def answers(server: Web, pid: int, workers: int, metrics: Path) -> bool:
    """Whether the application says that it is ready (database and Redis in reach), in every worker.

    A request reaches only one of them. The others are known by their files in the metrics' folder, which
    prometheus_client makes for each process when the application's metrics are imported.
    """
    started = children_of(pid)
    if len(started) < workers or not all(any(metrics.glob(f"*_{child}.db")) for child in started):
        return False
    reply = get(server.port, "/readyz")
    return reply is not None and reply[0] == 200


def option(arguments: tuple[str, ...], name: str) -> str | None:
    """The value of ``--name=value`` on a command line."""
    for argument in arguments:
        if argument.startswith(f"--{name}="):
            return argument.partition("=")[2]
    return None


def read_back(size: StackSize, pid: int) -> tuple[ReadBack, ...]:
    """Count the workers that live, and read the command line of the master that runs."""
    words = command_line(pid)
    requests = option(words, "max-requests")
    jitter = option(words, "max-requests-jitter")
    note = "command line of the running master"
    return (
        compare("gunicorn", "workers", size.gunicorn_workers, len(children_of(pid))),
        compare("gunicorn", "worker_class", "gevent", option(words, "worker-class"), note=note),
        compare(
            "gunicorn",
            "max_requests",
            size.gunicorn_max_requests,
            None if requests is None else int(requests),
            note=note,
        ),
        recorded("gunicorn", "max_requests_jitter", jitter, note="assumed, so that not all workers restart at once"),
    )
