"""Servers of the oracle as child processes, for tests and studies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import StackNotReady
from harness.oracle.kinds import kind_named
from harness.oracle.metrics import Lie

PROJECT = Path(__file__).resolve().parents[2]
LIFE_SECONDS = 3600.0
"""Nobody needs one for longer, and none may be left behind."""
_END_PATIENCE_SECONDS = 5.0
_HONEST = Lie()


class Oracle:
    """A running server. ``stop`` it, or use it in a ``with``; it also ends when the process that started it does.

    url: where it is. pid: its process. log: what it really did (harness.oracle.log reads it), whole after ``stop``.
    """

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path | None) -> None:
        self._process = process
        self.url = url
        self.log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> None:
        """End it, its log written. Again, it does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    kind: str,
    *,
    seed: int = 7,
    port: int = 0,
    log: Path | None = None,
    lie: Lie = _HONEST,
    life_seconds: float = LIFE_SECONDS,
    **parameters: float,
) -> Oracle:
    """Start a server of that kind (harness.oracle.kinds) in a process of its own, and wait until it listens.

    parameters: the fields of the kind's dataclass, times in seconds. Raises KeyError for a kind that does not exist,
    TypeError or ValueError for parameters that it cannot have, StackNotReady when it does not come up.
    """
    checked = kind_named(kind).parameters(**parameters)
    told = {
        "kind": kind,
        "parameters": asdict(checked),
        "seed": seed,
        "port": port,
        "log": None if log is None else str(log),
        "lie": asdict(lie),
        "life_seconds": life_seconds,
    }
    path = os.environ.get("PYTHONPATH")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.oracle", json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT) if not path else f"{PROJECT}{os.pathsep}{path}"},
        start_new_session=True,  # Ctrl-C in a terminal is for whoever started it, who then stops it
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    oracle = Oracle(process, url, log)
    if not url:
        oracle.stop()
        raise StackNotReady(f"the oracle's server {kind} did not come up", hint=f"exit code {process.returncode}")
    return oracle
