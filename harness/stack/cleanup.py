"""Take a stack down, by its ledger: the same steps whether its harness stops it or a later one finds it orphaned."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StackError
from harness.stack.compose_engine import remove_project
from harness.stack.ledger import Ledger, discard_ledger, is_orphan, read_ledgers
from harness.stack.limits import below, members, remove_cgroups
from harness.stack.postgres import remove_shared_memory
from harness.stack.proc import PROC, all_states, boot_id, descendants, has_environment, is_alive

GRACE_SECONDS = 5.0
"""For each process to end by itself before it is killed."""
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Removed:
    """What was left of a stack and is gone now."""

    run_id: str
    processes: int
    cgroups: tuple[Path, ...]
    folders: tuple[Path, ...]
    containers: int = 0


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack on this machine. state: running (its harness lives), detached (meant to stay) or orphaned."""

    run_id: str
    state: str
    base_url: str
    harness_pid: int
    processes: tuple[int, ...]


def owned_processes(ledger: Ledger, proc: Path = PROC) -> set[int]:
    """Every living process of the stack: those recorded, those in its cgroups, those with its marker, and what
    descends from them. Never by name."""
    states = all_states(proc)
    roots = members(ledger.cgroups)
    if ledger.boot == boot_id(proc):
        recorded = (process.key for process in ledger.processes)
        roots |= {key.pid for key in recorded if key.pid in states and states[key.pid].key == key}
    roots |= {pid for pid in states if has_environment(pid, ledger.environment_entry, proc)}
    return descendants(roots, states) - {os.getpid()}


def end_processes(
    ledger: Ledger,
    *,
    proc: Path = PROC,
    kill: Callable[[int, int], None] = os.kill,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """End the stack's processes, the application's before those that back it, and return how many there were.

    Raises StackError when one survives even SIGKILL.
    """
    before = owned_processes(ledger, proc)
    for backing in (False, True):
        ending = [process for process in ledger.processes if process.backing is backing and process.key.pid in before]
        for process in reversed(ending):
            if is_alive(process.key, proc):
                _send(kill, process.key.pid, process.stop_signal)
        deadline = clock() + GRACE_SECONDS
        while any(is_alive(process.key, proc) for process in ending) and clock() < deadline:
            sleep(POLL_SECONDS)
    deadline = clock() + GRACE_SECONDS
    while left := owned_processes(ledger, proc):
        if clock() >= deadline:
            raise StackError(
                "some processes of the stack would not end",
                [f"process {pid}" for pid in sorted(left)],
                "end them by hand, then run: proofload stack down",
            )
        for pid in left:
            _send(kill, pid, signal.SIGKILL)
        sleep(POLL_SECONDS)
    return len(before)


def end_commands(
    ledger: Ledger, *, proc: Path = PROC, kill: Callable[[int, int], None] = os.kill, patience: int = 500
) -> None:
    """Kill the commands of a harness that died while they started containers: they would go on, and start more.
    patience: how many looks, POLL_SECONDS apart."""
    for _ in range(patience):
        left = {pid for pid in all_states(proc) if has_environment(pid, ledger.environment_entry, proc)} - {os.getpid()}
        if not left:
            return
        for pid in left:
            _send(kill, pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _send(kill: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        kill(pid, number)
    except ProcessLookupError:
        return  # it ended in the meantime


def take_down(path: Path, ledger: Ledger) -> Removed:
    """End and remove everything that the ledger names, then the ledger. What is gone already is no error.

    Raises StackError, also for what belongs to another user; the ledger stays then.
    """
    try:
        containers = 0
        if ledger.containers:
            end_commands(ledger)
            containers = remove_project(ledger.containers, _logs(path, ledger))
        processes = end_processes(ledger)
        for folder in ledger.folders:
            remove_shared_memory(folder)
        if ledger.containers:
            remove_cgroups(below(ledger.cgroups))
        cgroups = remove_cgroups(ledger.cgroups)
        folders = tuple(folder for folder in ledger.folders if folder.exists())
        for folder in folders:
            _remove_folder(folder)
        discard_ledger(path)
    except OSError as error:
        raise StackError(
            f"what the stack of {ledger.run_id} left cannot be removed: {error.strerror}",
            error.filename or str(path),
            "as the user who started it (root, it may be): proofload stack down",
        ) from error
    return Removed(ledger.run_id, processes, cgroups, folders, containers)


def _logs(path: Path, ledger: Ledger) -> Path:
    """Of the run, whose folder lies beside the ledgers'."""
    return path.parent.parent / ledger.run_id / "logs"


def _remove_folder(folder: Path) -> None:
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue  # another harness that starts now is removing the same orphan


def clean_up(runs_root: Path, *, live: bool = False) -> tuple[Removed, ...]:
    """Take down the stacks of this runs' folder whose harness is dead; with ``live`` the others as well."""
    boot = boot_id()
    removed = []
    for path, ledger in read_ledgers(runs_root):
        if live or is_orphan(ledger, boot=boot):
            try:
                removed.append(take_down(path, ledger))
            except StackError:
                # Containers whose engine does not answer run no more, and keep nobody from starting a stack.
                if live or not ledger.containers:
                    raise
    return tuple(removed)


def status(runs_root: Path) -> tuple[StackStatus, ...]:
    """The stacks of this runs' folder."""
    boot = boot_id()
    return tuple(
        StackStatus(
            run_id=ledger.run_id,
            state="orphaned" if is_orphan(ledger, boot=boot) else "detached" if ledger.detached else "running",
            base_url=ledger.base_url,
            harness_pid=ledger.harness.pid,
            processes=tuple(sorted(owned_processes(ledger))),
        )
        for _, ledger in read_ledgers(runs_root)
    )
