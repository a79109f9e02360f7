"""The machine that a run is made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from harness.model.run import HostFingerprint


def host_fingerprint(proc: Path = Path("/proc"), os_release: Path = Path("/etc/os-release")) -> HostFingerprint:
    """Kernel, processors, memory and system of this machine."""
    return HostFingerprint(
        kernel=platform.release(),
        cpu_model=_field(proc / "cpuinfo", "model name", ":") or platform.machine(),
        cpu_cores=len(os.sched_getaffinity(0)),
        memory_bytes=int((_field(proc / "meminfo", "MemTotal", ":") or "0 kB").split()[0]) * 1024,
        os_name=(_field(os_release, "PRETTY_NAME", "=") or platform.system()).strip('"'),
        python=platform.python_version(),
    )


def _field(path: Path, name: str, separator: str) -> str:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return ""
