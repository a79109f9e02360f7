"""What the machine has, and where it falls short of a stage."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from harness.model.run import HOST_CAPPED
from harness.model.sizing import StackSize
from harness.model.units import Unit, format_quantity

_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class HostSize:
    """Cores that this process may use, and memory."""

    cpu_cores: int
    memory_bytes: int


def host_size(meminfo: Path = Path("/proc/meminfo")) -> HostSize:
    """Of this machine."""
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemTotal:"):
            return HostSize(len(os.sched_getaffinity(0)), int(line.split()[1]) * 1024)
    raise ValueError(f"{meminfo} has no MemTotal")


@dataclass(frozen=True, slots=True)
class Share:
    """What the stack gets: the stage's size, but never more than the host has."""

    cpu_cores: float
    memory_bytes: int
    deviations: tuple[str, ...]


def share_of(host: HostSize, size: StackSize) -> Share:
    """The limits to set. A limit above the host's size would limit nothing and look as if it did."""
    deviations = []
    if host.cpu_cores < size.cpu_cores:
        deviations.append(f"{HOST_CAPPED}: {host.cpu_cores} of {size.cpu_cores:g} CPU")
    if host.memory_bytes < size.memory_bytes:
        has = format_quantity(host.memory_bytes, Unit.BYTES)
        deviations.append(f"{HOST_CAPPED}: {has} of {format_quantity(size.memory_bytes, Unit.BYTES)} memory")
    return Share(
        min(size.cpu_cores, float(host.cpu_cores)), min(size.memory_bytes, host.memory_bytes), tuple(deviations)
    )


def fitted(size: StackSize, share: Share) -> tuple[StackSize, tuple[str, ...]]:
    """The size of what is started on a host that is too small: as many nginx workers as it has cores, and PostgreSQL's
    shared buffers, of the primary and a replica, a quarter of its memory (as PostgreSQL's manual advises) where they
    would fill more than half of it. What that changes, a sentence each; nothing where the host is large enough.
    """
    if share.cpu_cores >= size.cpu_cores and share.memory_bytes >= size.memory_bytes:
        return size, ()
    wanted, servers = size.postgres_shared_buffers_bytes, 1 + size.read_replicas
    size = replace(size, cpu_cores=share.cpu_cores, memory_bytes=share.memory_bytes)
    if servers * wanted <= share.memory_bytes / 2:
        return size, ()
    buffers = max(_MIB, share.memory_bytes // 4 // servers // _MIB * _MIB)
    has, planned = format_quantity(buffers, Unit.BYTES), format_quantity(wanted, Unit.BYTES)
    return replace(size, postgres_shared_buffers_bytes=buffers), (f"{HOST_CAPPED}: {has} of {planned} shared_buffers",)


def free_bytes(folder: Path) -> int:
    """Free space where the folder lies."""
    return shutil.disk_usage(folder).free
