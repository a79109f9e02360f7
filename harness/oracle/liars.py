"""Liars among the evidence's makers: the generator that is held back or dies, and the clock that drifts.

(The metrics that lie are each server's own: ``harness.oracle.metrics.Lie``.) All of them must make a verdict INVALID.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.model.evidence import Evidence

_RUN = b"PROOFLOAD_RUN="


def generator_processes(
    run: Path, proc: Path = Path("/proc"), session_of: Callable[[int], int] = os.getsid
) -> tuple[int, ...]:
    """The processes of the load generator of that run directory, the oldest first.

    They are the one that was given the run directory, and the workers in its session (the generator has one of its
    own).
    """
    wanted = _RUN + os.fsencode(run.resolve())
    sessions: dict[int, int] = {}
    of_run = set()
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if not any(b"locust" in word for word in (folder / "cmdline").read_bytes().split(b"\0")):
                continue
            sessions[int(folder.name)] = session_of(int(folder.name))
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                of_run.add(sessions[int(folder.name)])
        except OSError:  # it has ended, or belongs to somebody else
            continue
    return tuple(sorted(pid for pid, session in sessions.items() if session in of_run))


def kill_newest(run: Path) -> int:
    """Kill the newest process of the run's generator: a worker where there are several, else the whole of it.

    Returns its id; raises ProcessLookupError when there is none.
    """
    processes = generator_processes(run)
    if not processes:
        raise ProcessLookupError(f"no generator works on {run}")
    os.kill(processes[-1], signal.SIGKILL)
    return processes[-1]


def with_drifting_clock(evidence: Evidence, drift_per_second: float) -> Evidence:
    """The same evidence as if the machine's wall clock had gained so many seconds in each second since the first event.

    Made on the evidence, not in a process: no real clock was touched. Only events note both clocks, so nothing else
    changes.
    """
    if not evidence.events:
        return evidence
    first = evidence.events[0].monotonic_seconds
    events = tuple(
        replace(event, wall_seconds=event.wall_seconds + drift_per_second * (event.monotonic_seconds - first))
        for event in evidence.events
    )
    return replace(evidence, events=events)
