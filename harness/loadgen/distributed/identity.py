"""What a master and a worker must have in common, and what tells hosts apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.errors import GeneratorError

HARNESS = Path(__file__).resolve().parents[2]


def this_clock() -> str:
    """Processes with the same answer read the same CLOCK_MONOTONIC: the boot's id, and the time namespace, which may
    set a container's clock off (absent before Linux 5.6)."""
    return f"{_boot()} {_namespace('time')}"


def this_network() -> str:
    """Processes with the same answer mean the same host by 127.0.0.1: the boot's id and the network namespace."""
    return f"{_boot()} {_namespace('net')}"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _namespace(kind: str) -> str:
    try:
        return str(Path(f"/proc/self/ns/{kind}").readlink())
    except OSError:
        return ""


def sources_digest(folder: Path = HARNESS) -> str:
    """SHA-256 of all Python files of the harness, by their names: two that agree do the same with a plan."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a locustfile. Raises GeneratorError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise GeneratorError(f"the locustfile cannot be read: {error.strerror}", str(path)) from error


_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The inode of the one that is no container's (PROC_PID_INIT_INO of linux/proc_ns.h)."""


def worker_name(namespace: Path = Path("/proc/self/ns/pid")) -> str:
    """Tells the generator's processes apart, on one host and on several. Containers in their host's network have its
    name, and all count their processes from 1: their PID namespace tells them apart."""
    name = f"{os.uname().nodename}-{os.getpid()}"
    try:
        number = namespace.stat().st_ino
    except OSError:
        return name
    return name if number == _FIRST_PID_NAMESPACE else f"{name}-{number & 0xFFFF:x}"
