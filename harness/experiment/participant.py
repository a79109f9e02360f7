"""One process of a worker's machine: the ``locust`` command as a child that joins a master."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.deathsig import ends_with_us
from harness.errors import GeneratorError
from harness.experiment.generator import PROJECT, STOP_PATIENCE_SECONDS
from harness.model.samples import Event
from harness.store.jsonl import Tail

_JOINING = PROJECT / "harness" / "loadgen" / "distributed" / "joining"


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker is asked to do. locustfile: flows of the person's own. target: the system's address as this machine
    knows it. allowed: the only hosts that it may load, if there are any."""

    host: str
    port: int
    token: str = field(repr=False)
    locustfile: Path | None = None
    target: str = ""
    allowed: tuple[str, ...] = ()

    def environment(self, home: Path) -> dict[str, str]:
        """Of the process: the token is in no argument, which every user of the machine could read."""
        return {
            "PROOFLOAD_WORKER": "0",
            "PROOFLOAD_WORKER_HOME": str(home),
            "PROOFLOAD_WORKER_TOKEN": self.token,
            "PROOFLOAD_WORKER_FLOWS": "" if self.locustfile is None else str(self.locustfile),
            "PROOFLOAD_WORKER_HOST": self.target,
            "PROOFLOAD_ALLOWED": " ".join(self.allowed),
        }


class Participant:
    """The process, and what it tells. home: a folder of its own."""

    def __init__(self, part: Part, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._part = part
        self._home = home
        self._log = home / "worker.log"
        self._status = Tail(home / "status.jsonl", Event)
        kept = {name: value for name, value in environment.items() if name != "PROOFLOAD_RUN"}
        path = kept.get("PYTHONPATH")
        kept["PYTHONPATH"] = str(PROJECT) if not path else f"{PROJECT}{os.pathsep}{path}"
        self._environment = {**kept, **part.environment(home)}
        self._process: subprocess.Popen[bytes] | None = None
        self._last: Event | None = None

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C reaches us alone, and we decide."""
        command = [
            *ends_with_us(),
            *(sys.executable, "-m", "locust", "--locustfile", str(_JOINING / "locustfile.py"), "--headless"),
            *("--worker", "--master-host", self._part.host, "--master-port", str(self._part.port)),
            *("--loglevel", "WARNING", "--exit-code-on-error", "0"),
        ]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
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

    def news(self) -> tuple[Event, ...]:
        """What it has told since the last call."""
        events = self._status.read()
        if events:
            self._last = events[-1]
        return events

    def stop(self) -> None:
        """End it, politely first."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def problem(self) -> GeneratorError | None:
        """Once it has ended, and ``news`` were read: why its part of the load was not carried, or None when it was, or
        when the master wanted no more of it."""
        last, master = self._last, f"{self._part.host}:{self._part.port}"
        if last is None:
            lines = self._log.read_text(errors="replace").splitlines()[-4:] if self._log.exists() else []
            return GeneratorError(
                f"no master was found at {master}", lines, "is it running, and does its port answer from here?"
            )
        if last.name == "refused":
            detail = last.detail
            return GeneratorError(str(detail["message"]), [*detail["where"], f"the master at {master}"], detail["hint"])
        reason = str(last.detail.get("reason", ""))
        if last.name == "ended" and (reason == "completed" or reason.startswith("interrupted")):
            return None
        lines = self._log.read_text(errors="replace").splitlines()[-4:]
        return GeneratorError(
            f"this worker's part of the load was not carried to its end: {reason or 'it died'}", lines
        )
