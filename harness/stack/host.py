"""What the machine has, and where it falls short of a stage."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.model.run import HOST_CAPPED
from harness.model.sizing import StackSize
from harness.model.units import Unit, format_quantity


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


def free_bytes(folder: Path) -> int:
    """Free space where the folder lies."""
    return shutil.disk_usage(folder).free
