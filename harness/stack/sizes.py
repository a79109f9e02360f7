"""CPU, memory and versions of a whole stack, as they were read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.model.units import Unit, format_quantity
from harness.stack.host import Share, free_bytes
from harness.stack.limits import PAGE_BYTES, CgroupPaths, read_limits
from harness.stack.places import APPLICATION
from harness.stack.readback import compare, recorded


def limit_rows(cgroup: CgroupPaths | None, share: Share, size: StackSize) -> tuple[ReadBack, ...]:
    """CPU and memory as the kernel enforces them. Where the host is smaller, against what the host has."""
    disk = recorded(
        "host",
        "disk",
        free_bytes(APPLICATION),
        wanted=format_quantity(size.disk_bytes, Unit.BYTES),
        unit="bytes",
        note="free on the host; not limited",
    )
    if cgroup is None:
        return (disk,)
    effective = read_limits(cgroup)
    memory = share.memory_bytes // PAGE_BYTES * PAGE_BYTES
    return (
        compare("stack", "CPU", share.cpu_cores, effective.cpu_cores, unit="CPU", note="; ".join(share.deviations)),
        compare("stack", "memory", memory, effective.memory_bytes, unit="bytes"),
        disk,
    )


def limits_in_words(cgroup: CgroupPaths, share: Share) -> str:
    """``cgroup v1: 2 CPU, 4 GiB``."""
    return f"cgroup v{cgroup.version}: {share.cpu_cores:g} CPU, {format_quantity(share.memory_bytes, Unit.BYTES)}"


def versions_of(rows: Iterable[ReadBack], answer: Mapping[str, Any]) -> dict[str, str]:
    """Of every server as it reports itself, and of the application's packages as ``tasks.ask`` found them."""
    names = ("server_version", "redis_version", "version")
    versions = {row.component: row.effective for row in rows if row.setting in names}
    versions.update(answer.get("versions", {}))
    versions["application python"] = answer.get("python", "unknown")
    return versions
