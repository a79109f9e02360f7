"""What is still there of a run's servers after it: the tests' own eyes, which use none of the clean-up's code."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit


def remains(run: Path, base_url: str = "") -> list[str]:
    """A line for every process, cgroup, folder, ledger and port that a run has left; empty when there is nothing."""
    found = [f"process {pid}" for pid in marked_processes(run.name)]
    found += [str(folder) for folder in Path("/sys/fs/cgroup").glob(f"**/proofload-{run.name}.*")]
    found += [str(folder) for folder in (run / "stack",) if folder.exists()]
    found += [str(ledger) for ledger in run.parent.glob(f"**/{run.name}.json")]
    address = urlsplit(base_url)
    if address.hostname and address.port and _answers(address.hostname, address.port):
        found.append(f"port {address.port}")
    return found


def marked_processes(run_id: str) -> list[int]:
    """Processes that were started with the run's mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if any(entry.startswith(f"PROOFLOAD_STACK={run_id}.".encode()) for entry in environment.split(b"\0")):
                found.append(int(entry.name))
    return found


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
