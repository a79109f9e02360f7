"""Hold a process back by a CPU quota, so that a generator really is too slow for its plan (cgroup v1 and v2)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000
_EMPTY_PATIENCE_SECONDS = 5.0


class ThrottleUnavailable(Exception):
    """This machine or user allows no CPU quota; the text says why."""


@contextmanager
def cpu_quota(cpu_cores: float, root: Path = CGROUP_ROOT) -> Iterator[Path]:
    """A cgroup that gets that much CPU; processes enter it with ``enter``.

    At the end those still in it go back to where all others are. Raises ThrottleUnavailable.
    """
    folder = _make(cpu_cores, root)
    try:
        yield folder
    finally:
        _remove(folder)


def enter(cgroup: Path, pid: int) -> None:
    """Put a process, with all its threads, into the cgroup; its children that exist already stay where they are.

    Raises ProcessLookupError when it has ended.
    """
    (cgroup / "cgroup.procs").write_text(str(pid))


def command_in(cgroup: Path, command: list[str]) -> list[str]:
    """The command line that runs this command inside the cgroup from its first instruction on."""
    return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(cgroup / "cgroup.procs"), *command]


def throttled_seconds(cgroup: Path) -> float:
    """For how long the kernel has held its processes back."""
    words = dict(line.split() for line in (cgroup / "cpu.stat").read_text().splitlines())
    if "throttled_time" in words:  # v1, nanoseconds
        return int(words["throttled_time"]) / 1e9
    return int(words.get("throttled_usec", 0)) / 1e6


def _make(cpu_cores: float, root: Path) -> Path:
    if cpu_cores <= 0:
        raise ValueError("a quota is above 0")
    name = f"proofload-throttle-{os.getpid()}-{time.monotonic_ns()}"
    quota = str(round(cpu_cores * PERIOD_MICROSECONDS))
    v1 = (root / "cpu").is_dir()
    folder = (root / "cpu" if v1 else root) / name
    try:
        if not v1 and "cpu" not in (root / "cgroup.subtree_control").read_text().split():
            (root / "cgroup.subtree_control").write_text("+cpu")
        folder.mkdir()
        if v1:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (folder / "cpu.cfs_quota_us").write_text(quota)
        else:
            (folder / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
    except OSError as error:
        if folder.is_dir():
            folder.rmdir()
        raise ThrottleUnavailable(f"{error.filename or folder}: {error.strerror}") from error
    return folder


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _EMPTY_PATIENCE_SECONDS
    while True:
        for pid in (folder / "cgroup.procs").read_text().split():
            try:
                (folder.parent / "cgroup.procs").write_text(pid)
            except ProcessLookupError:
                continue
        try:
            folder.rmdir()
            return
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)  # the kernel may need a moment after the last process
