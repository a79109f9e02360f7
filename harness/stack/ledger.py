"""What a run's stack has started, on disk before it happens, so that whoever comes after can end it."""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import CorruptRun
from harness.stack.proc import ProcessKey, boot_id, is_alive, myself
from harness.store.jsonl import read_whole, write_whole

MARKER = "PROOFLOAD_STACK"
"""Environment variable that every process of a stack is started with; its value is the stack's mark."""
LEDGERS = ".stacks"
"""Folder below the runs' folder: outside of the run, since it belongs to the machine and not to the evidence."""


@dataclass(frozen=True, slots=True)
class LedgerProcess:
    """A process that a stack started, and the signal that ends it soonest without leaving anything behind.

    backing: others use it, so it ends after them.
    """

    name: str
    key: ProcessKey
    stop_signal: int = signal.SIGTERM
    backing: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """What has to go when the stack goes.

    mark: what tells its processes from all others of this machine. harness: the process that answers for the stack;
    detached: meant to outlive it (``proofload stack up``). containers: the compose project, "" for local processes.
    """

    run_id: str
    mark: str
    harness: ProcessKey
    boot: str
    cgroups: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    processes: tuple[LedgerProcess, ...] = ()
    base_url: str = ""
    detached: bool = False
    containers: str = ""

    @property
    def environment_entry(self) -> str:
        """What marks a process as one of this stack's."""
        return f"{MARKER}={self.mark}"


def mark_of(run: Path) -> str:
    """The stack's mark, from the absolute path of its run. Runs of two folders may begin in the same second and so
    bear the same name; what ends the one must not touch the other."""
    return f"{run.name}.{hashlib.sha256(os.fsencode(run)).hexdigest()[:8]}"


def is_orphan(ledger: Ledger, *, boot: str, proc: Path = Path("/proc")) -> bool:
    """Whether nobody answers for the stack any more."""
    if ledger.boot != boot:
        return True
    return not ledger.detached and not is_alive(ledger.harness, proc)


def read_ledgers(runs_root: Path) -> tuple[tuple[Path, Ledger], ...]:
    """Every ledger below a runs' folder; one that cannot be read was cut off before it recorded anything."""
    found = []
    for path in sorted((runs_root / LEDGERS).glob("*.json")):
        try:
            found.append((path, read_whole(path, Ledger)))
        except CorruptRun:
            continue
    return tuple(found)


class LedgerFile:
    """The ledger of the stack that is being started: every change is on disk when the method returns."""

    def __init__(self, run: Path) -> None:
        self.path = run.parent / LEDGERS / f"{run.name}.json"
        self.value = Ledger(run_id=run.name, mark=mark_of(run), harness=myself(), boot=boot_id())

    def open(self, *, cgroups: tuple[Path, ...], folders: tuple[Path, ...], containers: str = "") -> None:
        """Record what is about to be made."""
        value = replace(self.value, cgroups=cgroups, folders=folders, containers=containers)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write(value)
        except FileNotFoundError:  # another run, the last to end, has just removed the empty folder
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(value)

    def add(self, process: LedgerProcess) -> None:
        """Record a process that was just started; until then its marker and its cgroup give it away."""
        self._write(replace(self.value, processes=(*self.value.processes, process)))

    def announce(self, base_url: str) -> None:
        """Record where the stack answers."""
        self._write(replace(self.value, base_url=base_url))

    def detach(self) -> None:
        """Record that the stack is meant to outlive this process."""
        self._write(replace(self.value, detached=True))

    def _write(self, value: Ledger) -> None:
        self.value = value
        write_whole(self.path, value)


def discard_ledger(path: Path) -> None:
    """Forget a stack of which nothing is left."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".part").unlink(missing_ok=True)  # of a harness that died while it wrote
    try:
        path.parent.rmdir()
    except OSError:
        return  # other stacks have theirs in it
