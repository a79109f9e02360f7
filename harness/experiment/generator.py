"""The load generator as a child process: the ``locust`` command, sharing the run directory with us and nothing else.

With several workers the child is Locust's master, which starts them: they are in its session, so that one signal
reaches them all.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.analysis.coverage import GENERATOR_END
from harness.deathsig import ends_with_us
from harness.errors import GeneratorCrashed, GeneratorError
from harness.experiment.settings import Awaited
from harness.model.samples import Event
from harness.store.jsonl import Tail
from harness.store.layout import RunDirectory

STOP_PATIENCE_SECONDS = 8.0
"""How long a generator that was told to stop may take to write its last rows."""

_NOT_HANDED_ON = (
    "PROOFLOAD_WORKERS",
    "PROOFLOAD_WORKER",
    "PROOFLOAD_WORKER_PATIENCE",
    "PROOFLOAD_WORKER_TOKEN",
    "PROOFLOAD_WORKER_TOKEN_FILE",
    "PROOFLOAD_ALLOWED",
)
"""Of our own environment: each generator gets its own."""

PROJECT = Path(__file__).resolve().parents[2]


class Generator:
    """A ``locust`` process. It ends by itself after the plan's last drain; ``stop`` ends it earlier, rows flushed.

    workers: processes that offer the load together; one offers it alone, without a master. awaited: workers of other
    machines, instead.
    """

    def __init__(
        self,
        run: RunDirectory,
        locustfile: Path,
        base_url: str,
        environment: Mapping[str, str],
        workers: int = 1,
        *,
        awaited: Awaited | None = None,
    ) -> None:
        self._run = run
        self._command = [
            *ends_with_us(),  # no load without a judge
            sys.executable,
            "-m",
            "locust",
            "--locustfile",
            str(locustfile),
            "--headless",
            "--host",
            base_url,
            "--exit-code-on-error",
            "0",  # requests that fail are evidence, not a reason to exit 1 (which a crash would do too)
            "--only-summary",
        ]
        self._environment = {**os.environ, **environment, "PROOFLOAD_RUN": str(run.path)}
        self._workers, self._awaited = workers, awaited
        # A token that somebody has set is for the workers that are awaited, and for nobody else.
        self._environment = {name: value for name, value in self._environment.items() if name not in _NOT_HANDED_ON}
        if awaited is not None:
            self._lead(awaited.address, awaited.port, awaited.count)
            self._environment["PROOFLOAD_WORKER_PATIENCE"] = f"{awaited.patience_seconds:g}"
            self._environment["PROOFLOAD_WORKER_TOKEN"] = awaited.token
            self._environment["PROOFLOAD_ALLOWED"] = " ".join(awaited.allowed)
        elif workers > 1:
            self._lead("127.0.0.1", 0, workers)  # port 0: one that is free, which the master tells those that it starts
        path = self._environment.get("PYTHONPATH")
        self._environment["PYTHONPATH"] = str(PROJECT) if not path else f"{PROJECT}{os.pathsep}{path}"
        self._process: subprocess.Popen[bytes] | None = None

    def _lead(self, address: str, port: int, workers: int) -> None:
        """Be a master."""
        self._command += ["--master", "--master-bind-host", address, "--master-bind-port", str(port)]
        self._command += ["--expect-workers", str(workers)]
        self._environment["PROOFLOAD_WORKERS"] = str(workers)

    @property
    def pid(self) -> int:
        """Its process id; raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("the generator has not been started")
        return self._process.pid

    @property
    def log(self) -> Path:
        """Its output."""
        return self._run.logs / "generator.log"

    def start(self) -> None:
        """Start it. A session of its own, so that Ctrl-C in the terminal reaches us alone and we decide. Raises
        GeneratorError when workers could not reach it."""
        if self._awaited is not None:
            _look_at_port(self._awaited)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=PROJECT,
                start_new_session=True,
            )

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """End it: first politely, so that it writes what it still holds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._workers > 1:
            with suppress(ProcessLookupError):  # workers whose master was killed: it dismisses them itself else
                os.killpg(self._process.pid, signal.SIGKILL)

    def crashed(self) -> GeneratorCrashed:
        """The error for a generator that ended before the load began: its own last word, else the end of its log."""
        for event in Tail(self._run.events, Event).read():
            reason = str(event.detail.get("reason", ""))
            if event.name == GENERATOR_END and reason:
                words = reason.removeprefix("not started: ")
                return GeneratorCrashed(f"the load did not begin: {words}", str(self.log), "its log says more")
        lines = self.log.read_text(errors="replace").splitlines()[-6:] if self.log.exists() else []
        return GeneratorCrashed(
            f"the load generator ended with exit code {self.poll()} before the load began",
            (str(self.log), *lines),
            "its log says why; a locustfile of your own can be tried with: locust -f FILE --host URL",
        )


def _look_at_port(awaited: Awaited) -> None:
    """Locust would tell of a busy port with a traceback."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((awaited.address, awaited.port))
        except OSError as error:
            raise GeneratorError(
                f"the master cannot listen there: {(error.strerror or str(error)).lower()}",
                f"--bind {awaited.address}:{awaited.port}",
                "an address of this machine, and a port that is free",
            ) from error
