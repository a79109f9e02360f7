"""How a host differs from a stage: what that means for a verdict is the judge's and the dry run's to say."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.target import Stage
from harness.model.units import Unit, format_quantity

_MEMORY_TOLERANCE = 0.10
"""A machine sold with 4 GiB reports some per cent less."""


@dataclass(frozen=True, slots=True)
class HostSize:
    """In words; empty where it does not differ that way."""

    smaller: str
    larger: str


def compare_host(stage: Stage, cpu_cores: float, memory_bytes: float) -> HostSize:
    """The host against the stage's figures "vcpu" and "memory"; without them there is nothing to compare."""
    smaller, larger = [], []
    cores = stage.value("vcpu", float(cpu_cores))
    if cpu_cores < cores:
        smaller.append(f"{cpu_cores:g} of {cores:g} CPUs")
    elif cpu_cores > cores:
        larger.append(f"{cpu_cores:g} CPUs for {cores:g}")
    memory = stage.value("memory", float(memory_bytes))
    have, want = format_quantity(memory_bytes, Unit.BYTES), format_quantity(memory, Unit.BYTES)
    if memory_bytes < memory * (1 - _MEMORY_TOLERANCE):
        smaller.append(f"{have} of {want} memory")
    elif memory_bytes > memory * (1 + _MEMORY_TOLERANCE):
        larger.append(f"{have} memory for {want}")
    return HostSize(", ".join(smaller), ", ".join(larger))
