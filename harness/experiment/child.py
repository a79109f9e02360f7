"""The ``locust`` command as a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.deathsig import ends_with_us

STOP_PATIENCE_SECONDS = 8.0
"""How long one that was told to stop may take to write its last rows."""

PROJECT = Path(__file__).resolve().parents[2]


class LocustChild:
    """A ``locust`` process without a screen. log: where its output goes. It ends with us, however we end."""

    def __init__(self, locustfile: Path, arguments: Iterable[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command = [
            *ends_with_us(),  # no load without a judge
            *(sys.executable, "-m", "locust", "--locustfile", str(locustfile), "--headless"),
            # Requests that fail are evidence, not a reason to exit 1 (which a crash would do too).
            *("--exit-code-on-error", "0", *arguments),
        ]
        path = environment.get("PYTHONPATH")
        found = str(PROJECT) if not path else f"{PROJECT}{os.pathsep}{path}"
        self._environment = {**environment, "PYTHONPATH": found}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("locust has not been started")
        return self._process.pid

    def start(self) -> None:
        """Start it. A session of its own, so that Ctrl-C in the terminal reaches us alone and we decide."""
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
        """End it, if it was started: first politely, so that it writes what it still holds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self, lines: int) -> list[str]:
        """The end of its output."""
        return self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []
