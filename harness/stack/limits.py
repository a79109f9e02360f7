"""One cgroup for the whole stack, since a stage is one server: CPU quota and memory limit, set and then read back.

Files and their meaning: the kernel's documentation, admin-guide/cgroup-v1 (sched-bwc, memory) and cgroup-v2.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000
"""The kernel's own default."""
PAGE_BYTES = 4096


class LimitsUnavailable(Exception):
    """The machine or the user does not allow limits; the text says why."""


@dataclass(frozen=True, slots=True)
class CgroupPaths:
    """Folders of the stack's cgroup. v1: one for each controller; v2: three times the same.

    cpu: cpu.stat (throttling) and the quota. cpu_usage: cpuacct.usage (v1) or cpu.stat (v2). memory: memory.*
    parts: the cgroups with the memory of its containers, below it; none where its processes are in itself.
    """

    version: int
    cpu: Path
    cpu_usage: Path
    memory: Path
    parts: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Each folder once."""
        return tuple(dict.fromkeys((self.cpu, self.cpu_usage, self.memory)))

    @property
    def entrances(self) -> tuple[Path, ...]:
        """Files into which a process writes its id to enter."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Effective:
    """What the kernel enforces; None: no limit."""

    cpu_cores: float | None
    memory_bytes: int | None


def find_cgroup(name: str, root: Path = CGROUP_ROOT, own: Path = Path("/proc/self/cgroup")) -> CgroupPaths:
    """Where the stack's cgroup can be made; makes nothing. Raises LimitsUnavailable."""
    if all((root / controller).is_dir() for controller in ("cpu", "cpuacct", "memory")):
        folders = [root / controller / name for controller in ("cpu", "cpuacct", "memory")]
        for folder in folders:
            if not os.access(folder.parent, os.W_OK):
                raise LimitsUnavailable(f"{folder.parent} may not be written")
        # cpu and cpuacct are often one mount under two names: then it is one folder.
        cpu, usage, memory = (folder.parent.resolve() / name for folder in folders)
        return CgroupPaths(1, cpu, usage, memory)
    if not (root / "cgroup.controllers").is_file():
        raise LimitsUnavailable(f"no cgroup with CPU and memory controllers below {root}")
    for parent in _v2_parents(root, own):
        if {"cpu", "memory"} <= _words(parent / "cgroup.controllers") and os.access(parent, os.W_OK):
            return CgroupPaths(2, parent / name, parent / name, parent / name)
    raise LimitsUnavailable("no cgroup of this user's has the CPU and memory controllers")


def _v2_parents(root: Path, own: Path) -> Iterable[Path]:
    yield root
    for line in own.read_text().splitlines():
        if line.startswith("0::/"):
            # A cgroup with processes in it may have no limited children: make a brother, not a child.
            yield (root / line.removeprefix("0::/")).parent


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def set_limits(paths: CgroupPaths, cpu_cores: float, memory_bytes: int) -> None:
    """Make the cgroup and limit it. Raises LimitsUnavailable, having removed what it made."""
    quota = round(cpu_cores * PERIOD_MICROSECONDS)
    memory = memory_bytes // PAGE_BYTES * PAGE_BYTES
    try:
        if paths.version == 2 and not {"cpu", "memory"} <= _words(paths.cpu.parent / "cgroup.subtree_control"):
            (paths.cpu.parent / "cgroup.subtree_control").write_text("+cpu +memory")
        for folder in paths.folders:
            folder.mkdir(exist_ok=True)
        if paths.version == 1:
            (paths.cpu / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (paths.cpu / "cpu.cfs_quota_us").write_text(str(quota))
            (paths.memory / "memory.limit_in_bytes").write_text(str(memory))
            _write_if_there(paths.memory / "memory.memsw.limit_in_bytes", str(memory))
        else:
            (paths.cpu / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
            (paths.memory / "memory.max").write_text(str(memory))
            _write_if_there(paths.memory / "memory.swap.max", "0")
    except OSError as error:
        remove_cgroups(paths.folders)
        raise LimitsUnavailable(f"{error.filename or paths.cpu}: {error.strerror}") from error


def _write_if_there(path: Path, text: str) -> None:
    """Swap would let the stack have more memory than its stage; a kernel without swap accounting has no such file."""
    if path.exists():
        path.write_text(text)


def read_limits(paths: CgroupPaths) -> Effective:
    """What the kernel enforces now. Raises OSError."""
    if paths.version == 1:
        quota = int((paths.cpu / "cpu.cfs_quota_us").read_text())
        period = int((paths.cpu / "cpu.cfs_period_us").read_text())
        memory = int((paths.memory / "memory.limit_in_bytes").read_text())
        # "No limit" reads as the largest multiple of a page below 2^63.
        return Effective(None if quota < 0 else quota / period, None if memory > 2**62 else memory)
    quota_text, period_text = (paths.cpu / "cpu.max").read_text().split()
    memory_text = (paths.memory / "memory.max").read_text().strip()
    return Effective(
        None if quota_text == "max" else int(quota_text) / int(period_text),
        None if memory_text == "max" else int(memory_text),
    )


def members(folders: Iterable[Path]) -> set[int]:
    """The processes in the cgroups and below them; a folder that is gone has none."""
    found: set[int] = set()
    for folder in folders:
        for place in (folder / "cgroup.procs", *folder.rglob("*/cgroup.procs")):
            try:
                found.update(int(word) for word in place.read_text().split())
            except OSError:
                continue
    return found - {0}  # 0 stands for a process of another PID namespace, which is none of ours


def below(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The cgroups below these, the deepest first: of containers whose engine died before it removed them."""
    found = (path.parent for folder in folders for path in folder.rglob("*/cgroup.procs"))
    return tuple(sorted((path for path in found if path not in folders), key=lambda path: -len(path.parts)))


def remove_cgroups(
    folders: Iterable[Path],
    *,
    timeout_seconds: float = 5,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Path, ...]:
    """Remove empty cgroups and return those that were there; the kernel may need a moment after the last process."""
    deadline = clock() + timeout_seconds
    removed = []
    for folder in folders:
        while folder.exists():
            try:
                folder.rmdir()
                removed.append(folder)
            except OSError:
                if clock() >= deadline:
                    raise
                sleep(0.02)
    return tuple(removed)
