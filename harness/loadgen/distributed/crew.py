"""Locust's worker processes on this host, as children of the master, and how Locust hands out their users."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from locust import User
from locust.env import Environment
from locust.runners import MasterRunner, WorkerNode

from harness.deathsig import ends_with_us
from harness.loadgen.distributed.trust import Token
from harness.loadgen.variables import RUN_VARIABLE, WORKER_VARIABLE, WORKERS_VARIABLE

_FAREWELL_SECONDS = 2.0
"""How long a worker that has said its last word may take to go."""


class Crew:
    """The worker processes of this host, numbered from 1. They live in the master's session, and die with it."""

    def __init__(self, environment: Environment, logs: Path, token: Token) -> None:
        options, runner = environment.parsed_options, environment.runner
        assert options is not None
        assert isinstance(runner, MasterRunner)
        self._logs = logs
        self._command = [
            *ends_with_us(),
            *(sys.executable, "-m", "locust", "--locustfile", str(options.locustfile), "--headless"),
            *("--host", environment.host or "", "--loglevel", str(options.loglevel), "--exit-code-on-error", "0"),
            *("--worker", "--master-host", "127.0.0.1", "--master-port", str(runner.server.port)),
        ]
        # Without the run directory's name: whatever a worker needs of it, the master sends.
        kept = {name: value for name, value in os.environ.items() if name not in (RUN_VARIABLE, WORKERS_VARIABLE)}
        self._environment = {**kept, **token.environment()}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, count: int) -> None:
        """Start them, each with a log of its own."""
        for number in range(1, count + 1):
            with (self._logs / f"generator-worker-{number}.log").open("ab") as output:
                self._processes[number] = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**self._environment, WORKER_VARIABLE: str(number)},
                )

    def gone(self, number: int) -> str:
        """How the process of that number ended; empty while it runs, and for a worker of another host."""
        process = self._processes.get(number)
        code = None if process is None else process.poll()
        if code is None:
            return ""
        return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of all that were started."""
        return tuple(self._processes)

    def dismiss(self) -> None:
        """See to it that none is left."""
        deadline = time.monotonic() + _FAREWELL_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class FixedShares:
    """Stands in for Locust's dispatcher of users: each worker gets its own flows' users, all at once.

    Locust's own deals the users out in turn, so that it may be one worker's lot to get all of a flow. Nothing is dealt
    out anew when a worker is lost: its part of the load is missing from then on, and that is said.
    """

    dispatch_in_progress = True
    """Has Locust leave everything as it is when a worker comes or goes."""

    def __init__(
        self,
        shares: Mapping[str, Mapping[str, int]],
        worker_nodes: list[WorkerNode],
        user_classes: list[type[User]],
    ) -> None:
        self._shares = {node.id: dict(shares[node.id]) for node in worker_nodes if node.id in shares}

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
    ) -> None:
        """Nothing to work out."""

    def __iter__(self) -> Iterator[dict[str, dict[str, int]]]:
        yield self._shares

    def add_worker(self, worker_node: WorkerNode) -> None:
        """It has come too late for a share."""

    def remove_worker(self, worker_node: WorkerNode) -> None:
        """Its share is lost."""
