"""Programs on a core of their own: started, watched and ended by the bench."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.deathsig import ends_with_us

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_END_PATIENCE_SECONDS = 5.0


class BenchError(Exception):
    """A contestant did not do what it was started for; its text is for the table."""


class Program:
    """A running program and all processes that it started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def require_alive(self) -> None:
        """Raises BenchError, with the last of what it said, when it has ended."""
        if self.process.poll() is not None:
            raise BenchError(f"ended with {self.process.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-3:])[-300:]

    def cpu_seconds(self) -> float:
        """CPU time so far, of it and its children."""
        return sum(_cpu(pid) for pid in self._pids())

    def resident_bytes(self) -> int:
        """Memory in use, of it and its children."""
        return sum(_resident(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        found, queue = [], [self.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    queue += map(int, children.read_text().split())
                except OSError:  # gone meanwhile
                    continue
        return found

    def wait(self, seconds: float) -> int:
        """Its exit code. Raises BenchError when it takes longer."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"not done within {seconds:.0f} s") from error

    def stop(self) -> None:
        """End it politely, then not: it leads a session of its own, whose processes all go."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(_END_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


@contextmanager
def program(
    command: Sequence[str | Path], core: int | None, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Start it on that core, in a session of its own; it is ended with the block. Raises BenchError."""

    def prepare() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [*ends_with_us(), *map(str, command)],  # however the bench ends, nothing goes on without it
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=prepare,
            )
        except OSError as error:
            raise BenchError(f"{command[0]}: {error.strerror}") from error
    running = Program(process, log)
    try:
        yield running
    finally:
        running.stop()


def until(happened: object, seconds: float, alive: Program) -> None:
    """Look every 20 ms whether it has happened. Raises BenchError when it does not, or the program ends."""
    assert callable(happened)
    deadline = time.monotonic() + seconds
    while not happened():
        alive.require_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"nothing happened within {seconds:.0f} s: {alive.last_words()}")
        time.sleep(0.02)
