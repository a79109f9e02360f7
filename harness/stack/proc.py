"""Processes as /proc shows them: who is alive, who descends from whom, who belongs to a stack."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """A process for good: its id, and when it started in clock ticks since boot, since ids are used again."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class ProcessState:
    """A line of /proc/PID/stat: parent and state letter (Z is a dead one that nobody has asked after)."""

    key: ProcessKey
    parent: int
    state: str


def parse_stat(text: str) -> ProcessState:
    """Parse /proc/PID/stat; the command's name may hold spaces and brackets, so count from the last bracket."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return ProcessState(ProcessKey(int(head.split(" ", 1)[0]), int(fields[19])), int(fields[1]), fields[0])


def state_of(pid: int, proc: Path = PROC) -> ProcessState | None:
    """The process of that id; None when there is none, or only its remains."""
    try:
        state = parse_stat((proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError):
        return None
    return None if state.state in "ZX" else state


def is_alive(key: ProcessKey, proc: Path = PROC) -> bool:
    """Whether that very process still runs."""
    state = state_of(key.pid, proc)
    return state is not None and state.key == key


def all_states(proc: Path = PROC) -> dict[int, ProcessState]:
    """Every living process by its id."""
    ids = (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())
    return {pid: state for pid in ids if (state := state_of(pid, proc)) is not None}


def descendants(roots: Iterable[int], states: Mapping[int, ProcessState]) -> set[int]:
    """The roots that live, and all that descend from them."""
    found = {pid for pid in roots if pid in states}
    while True:
        more = {pid for pid, state in states.items() if state.parent in found} - found
        if not more:
            return found
        found |= more


def children_of(pid: int, proc: Path = PROC) -> tuple[int, ...]:
    """The living children of a process."""
    return tuple(sorted(child for child, state in all_states(proc).items() if state.parent == pid))


def command_line(pid: int, proc: Path = PROC) -> tuple[str, ...]:
    """The arguments of a process; empty when it is gone."""
    try:
        raw = (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode(errors="replace") for part in raw.rstrip(b"\0").split(b"\0"))


def has_environment(pid: int, entry: str, proc: Path = PROC) -> bool:
    """Whether the process was started with that ``NAME=value``."""
    try:
        return entry.encode() in (proc / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def boot_id(proc: Path = PROC) -> str:
    """Changes with every boot, after which no recorded process can be alive."""
    return (proc / "sys/kernel/random/boot_id").read_text().strip()


def myself(proc: Path = PROC) -> ProcessKey:
    """This process."""
    state = state_of(os.getpid(), proc)
    assert state is not None
    return state.key
