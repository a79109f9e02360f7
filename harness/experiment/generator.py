"""The load generator as a child process: the ``locust`` command, sharing the run directory with us and nothing else.

With several workers the child is Locust's master, which starts them: they are in its session, so that one signal
reaches them all.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.analysis.coverage import GENERATOR_END
from harness.errors import GeneratorCrashed, GeneratorError
from harness.experiment.child import LocustChild
from harness.experiment.settings import Awaited
from harness.model.samples import Event
from harness.store.jsonl import Tail
from harness.store.layout import RunDirectory

_NOT_HANDED_ON = (
    "PROOFLOAD_WORKERS",
    "PROOFLOAD_WORKER",
    "PROOFLOAD_WORKER_PATIENCE",
    "PROOFLOAD_WORKER_TOKEN",
    "PROOFLOAD_WORKER_TOKEN_FILE",
    "PROOFLOAD_ALLOWED",
)
"""Of our own environment: each generator gets its own. A token that somebody has set is for the workers that are
awaited, and for nobody else."""


class Generator(LocustChild):
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
        kept = {name: value for name, value in {**os.environ, **environment}.items() if name not in _NOT_HANDED_ON}
        arguments, roles = ["--host", base_url, "--only-summary"], {"PROOFLOAD_RUN": str(run.path)}
        if awaited is not None:
            arguments += _leading(awaited.address, awaited.port, awaited.count)
            roles |= {
                "PROOFLOAD_WORKERS": str(awaited.count),
                "PROOFLOAD_WORKER_PATIENCE": f"{awaited.patience_seconds:g}",
                "PROOFLOAD_WORKER_TOKEN": awaited.token,
                "PROOFLOAD_ALLOWED": " ".join(awaited.allowed),
            }
        elif workers > 1:
            # Port 0: one that is free, which the master tells those that it starts.
            arguments += _leading("127.0.0.1", 0, workers)
            roles["PROOFLOAD_WORKERS"] = str(workers)
        super().__init__(locustfile, arguments, {**kept, **roles}, run.logs / "generator.log")
        self._run, self._workers, self._awaited = run, workers, awaited

    def start(self) -> None:
        """Start it. Raises GeneratorError when workers could not reach it."""
        if self._awaited is not None:
            _look_at_port(self._awaited)
        super().start()

    def stop(self) -> None:
        """End it, and its workers."""
        super().stop()
        if self._workers > 1 and self.poll() is not None:
            with suppress(ProcessLookupError):  # workers whose master was killed: it dismisses them itself else
                os.killpg(self.pid, signal.SIGKILL)

    def crashed(self) -> GeneratorCrashed:
        """The error for a generator that ended before the load began: its own last word, else the end of its log."""
        for event in Tail(self._run.events, Event).read():
            reason = str(event.detail.get("reason", ""))
            if event.name == GENERATOR_END and reason:
                words = reason.removeprefix("not started: ")
                return GeneratorCrashed(f"the load did not begin: {words}", str(self.log), "its log says more")
        return GeneratorCrashed(
            f"the load generator ended with exit code {self.poll()} before the load began",
            (str(self.log), *self.last_words(6)),
            "its log says why; a locustfile of your own can be tried with: locust -f FILE --host URL",
        )


def _leading(address: str, port: int, workers: int) -> list[str]:
    """What makes a master."""
    return [
        *("--master", "--master-bind-host", address, "--master-bind-port", str(port)),
        *("--expect-workers", str(workers)),
    ]


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
