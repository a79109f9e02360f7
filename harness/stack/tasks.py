"""Celery: a worker for the default queue and, from stage B on, one for the heavy queue."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.stack.places import APPLICATION
from harness.stack.proc import command_line
from harness.stack.processes import Command
from harness.stack.readback import compare
from harness.stack.web import option


@dataclass(frozen=True, slots=True)
class Worker:
    """A Celery worker process with its children."""

    queue: str
    concurrency: int

    @property
    def name(self) -> str:
        """Of its process and its log."""
        return f"celery-{self.queue}"


def workers_of(size: StackSize) -> tuple[Worker, ...]:
    """The workers that a stage has. Without a heavy queue everything goes to the default one."""
    default = Worker("default", size.celery_default_concurrency)
    return (default, Worker("heavy", size.celery_heavy_workers)) if size.celery_heavy_workers else (default,)


def serve(python: Path, worker: Worker, size: StackSize, environment: Mapping[str, str]) -> Command:
    """Start one worker."""
    # SIGQUIT: end now; SIGTERM would wait for transcodes that nobody needs any more.
    return Command(
        worker.name,
        (str(python), "-m", "celery", *arguments(worker, size)),
        cwd=APPLICATION,
        environment=environment,
        stop_signal=signal.SIGQUIT,
        as_account=False,
    )


def arguments(worker: Worker, size: StackSize) -> tuple[str, ...]:
    """Celery's."""
    return (
        "-A",
        "refapp.tasks",
        "worker",
        f"--queues={worker.queue}",
        f"--hostname={worker.queue}@proofload",
        "--pool=prefork",
        f"--concurrency={worker.concurrency}",
        f"--max-memory-per-child={size.celery_max_memory_per_child_bytes // 1024}",  # in KiB
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",  # would wait a second for neighbours that do not exist
    )


# Runs in the application's own virtual environment: the harness has no Celery. Prints one line of JSON when as many
# workers as expected have answered.
ASK = """
import json, sys, time
from importlib.metadata import version
from celery.app.utils import find_app
app = find_app("refapp.tasks")
wanted, deadline = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
stats = {}
while len(stats) < wanted and time.monotonic() < deadline:
    stats = app.control.inspect(timeout=0.5, limit=wanted).stats() or {}
queues = app.control.inspect(timeout=2, limit=wanted).active_queues() or {}
names = ("celery", "gunicorn", "gevent", "Flask", "Flask-SocketIO", "SQLAlchemy", "psycopg")
print(json.dumps({
    "workers": {
        name: {"concurrency": value["pool"]["max-concurrency"], "queues": [q["name"] for q in queues.get(name, [])]}
        for name, value in stats.items()
    },
    "versions": {name: version(name) for name in names},
    "python": sys.version.split()[0],
}))
"""


def ask(python: Path, count: int, environment: Mapping[str, str], timeout_seconds: float) -> Command:
    """Ask the running workers what they are, over Redis, waiting until all of them answer."""
    return Command(
        "celery-ask",
        (str(python), "-c", ASK, str(count), str(timeout_seconds)),
        cwd=APPLICATION,
        environment=environment,
        as_account=False,
    )


def answer_of(output: str) -> dict[str, Any]:
    """What ``ask`` printed: {workers: {name: {concurrency, queues}}, versions: {name: version}, python}."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    answer: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return answer


def read_back(size: StackSize, workers: Mapping[str, Any], pids: Mapping[str, int]) -> tuple[ReadBack, ...]:
    """Hold the workers' own answers against the stage. pids: of each worker's main process, by its queue."""
    rows: list[ReadBack] = []
    for worker in workers_of(size):
        answer = workers.get(f"{worker.queue}@proofload", {})
        kibibytes = option(command_line(pids[worker.queue]), "max-memory-per-child")
        rows += (
            compare(worker.name, "concurrency", worker.concurrency, answer.get("concurrency")),
            compare(worker.name, "queues", worker.queue, ", ".join(answer.get("queues", [])) or None),
            compare(
                worker.name,
                "max_memory_per_child",
                size.celery_max_memory_per_child_bytes // 1024 * 1024,
                None if kibibytes is None else int(kibibytes) * 1024,
                unit="bytes",
                note="command line of the running worker",
            ),
        )
    return tuple(rows)
