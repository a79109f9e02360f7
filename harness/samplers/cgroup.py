"""The stack: CPU, throttling, memory and out-of-memory kills of all servers together.

From its control group, version 1 or 2 (kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2); where there is none,
from its processes in /proc, which know nothing of throttling or of kills: those keys are then left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness.samplers.base import KernelFile, growth, keyed_numbers, known, per_second, share
from harness.samplers.processes import ProcessMemory, ProcessTimes, descendants, read_memory, read_times
from harness.samplers.targets import Cgroup, Targets

_KILLS = {1: "memory.oom_control", 2: "memory.events"}
"""Where each version counts out-of-memory kills; kernels built without parts of version 1 lack the file."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the stack uses. None: not known here. periods, throttled: of the CPU quota, since it was set. refaults:
    pages that were read again soon after they had been dropped for want of memory."""

    cpu_seconds: float
    memory_bytes: int
    processes: int
    periods: int | None = None
    throttled: int | None = None
    oom_kills: int | None = None
    refaults: int | None = None


@dataclass(frozen=True, slots=True)
class StackRaw:
    """The files of the control group and of those below it, or the processes."""

    group: Mapping[str, bytes] | None
    times: Sequence[ProcessTimes] = ()
    memory: Sequence[ProcessMemory] = ()
    parts: Sequence[Mapping[str, bytes]] = ()


class _Group(Protocol):
    """Where the usage is read."""

    def fetch(self) -> StackRaw: ...

    def usage(self, raw: StackRaw) -> Usage: ...

    def close(self) -> None: ...


class ControlGroup:
    """Reads one control group."""

    def __init__(self, cgroup: Cgroup) -> None:
        self._version = cgroup.version
        folders = {"cpu": cgroup.cpu, "cpu_usage": cgroup.cpu_usage, "memory": cgroup.memory}
        names = (
            {
                "cpu": ("cpu.stat",),
                "cpu_usage": ("cpuacct.usage",),
                "memory": ("memory.usage_in_bytes", "memory.stat", "cgroup.procs"),
            }
            if cgroup.version == 1
            else {"cpu": ("cpu.stat",), "memory": ("memory.current", "memory.stat", "cgroup.procs")}
        )
        self._files = {name: KernelFile(folders[where] / name) for where, these in names.items() for name in these}
        self._kills = KernelFile(cgroup.memory / _KILLS[cgroup.version])
        self._parts = tuple(
            {name: KernelFile(part / name) for name in ("cgroup.procs", _KILLS[cgroup.version])}
            for part in cgroup.parts
        )
        self._last: list[dict[str, bytes]] = [{} for _ in self._parts]

    def fetch(self) -> StackRaw:
        """Read the files. A part that is gone has no processes any more, and the kills that it had."""
        files = {name: file.read() for name, file in self._files.items()}
        kills = self._kills.read_if_there()
        for last, part in zip(self._last, self._parts, strict=True):
            for name, file in part.items():
                text = file.read_if_there()
                if text is not None:
                    last[name] = text
                elif name == "cgroup.procs":
                    last[name] = b""
        parts = tuple(dict(last) for last in self._last)
        return StackRaw(files if kills is None else {**files, _KILLS[self._version]: kills}, parts=parts)

    def usage(self, raw: StackRaw) -> Usage:
        """What the files say. CPU and memory are of all below; processes are counted part by part, and so are kills
        with version 1, where each is counted only in the group that it happened in."""
        assert raw.group is not None
        whole = parse_v1(raw.group) if self._version == 1 else parse_v2(raw.group)
        if not raw.parts:
            return whole
        processes = whole.processes + sum(part["cgroup.procs"].count(b"\n") for part in raw.parts)
        kills = whole.oom_kills
        if self._version == 1:
            counted = [keyed_numbers(part.get(_KILLS[1], b"")).get("oom_kill") for part in raw.parts]
            known_kills = [count for count in (*counted, kills) if count is not None]
            kills = sum(known_kills) if known_kills else None
        return replace(whole, processes=processes, oom_kills=kills)

    def close(self) -> None:
        """Close the files."""
        for file in (*self._files.values(), self._kills, *(file for part in self._parts for file in part.values())):
            file.close()


class ProcessTree:
    """Adds up processes and all that they have started."""

    def __init__(self, process_ids: Sequence[int]) -> None:
        self._process_ids = tuple(process_ids)

    def fetch(self) -> StackRaw:
        """Look at each process. Raises ProcessLookupError when none is left."""
        pids: set[int] = set()
        for pid in self._process_ids:
            if pid not in pids:
                pids.update(descendants(pid))
        times = read_times(pids)
        if not times:
            raise ProcessLookupError("none of the stack's processes is left")
        return StackRaw(None, times, read_memory(pids))

    def usage(self, raw: StackRaw) -> Usage:
        """What the processes add up to."""
        return parse_processes(raw.times, raw.memory)

    def close(self) -> None:
        """Nothing is kept open."""


class StackSampler:
    """Samples all servers together and compares them with the stage's size."""

    source = "stack"
    period_seconds = 1.0

    def __init__(
        self,
        group: _Group,
        *,
        vcpu: float | None = None,
        memory_bytes: float | None = None,
    ) -> None:
        self._group = group
        self._vcpu = vcpu
        self._memory_bytes = memory_bytes

    def fetch(self) -> StackRaw:
        """Read the usage."""
        return self._group.fetch()

    def parse(self, raw: StackRaw, previous: StackRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the stack."""
        now = self._group.usage(raw)
        values: dict[str, float | None] = {
            "memory_bytes": now.memory_bytes,
            "memory_ratio": share(now.memory_bytes, self._memory_bytes),
            "processes": now.processes,
            "oom_kills_total": now.oom_kills,
        }
        if previous is not None:
            before = self._group.usage(previous)
            values["cpu_cores"] = per_second(now.cpu_seconds, before.cpu_seconds, elapsed_seconds)
            values["cpu_ratio"] = share(values["cpu_cores"], self._vcpu)
            values["throttled_ratio"] = _throttled_ratio(now, before)
            if now.refaults is not None:
                values["refaults_per_second"] = per_second(now.refaults, before.refaults, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the files."""
        self._group.close()


def from_targets(targets: Targets) -> StackSampler | None:
    """Made when there is a control group, or a process to look at."""
    if targets.cgroup is None and not targets.process_ids:
        return None
    return StackSampler(
        ProcessTree(targets.process_ids) if targets.cgroup is None else ControlGroup(targets.cgroup),
        vcpu=targets.vcpu,
        memory_bytes=targets.memory_bytes,
    )


def parse_v1(files: Mapping[str, bytes]) -> Usage:
    """Control group version 1. The working set leaves out file pages that could be dropped at once."""
    cpu, memory = keyed_numbers(files["cpu.stat"]), keyed_numbers(files["memory.stat"])
    return Usage(
        cpu_seconds=int(files["cpuacct.usage"]) / 1e9,
        memory_bytes=max(0, int(files["memory.usage_in_bytes"]) - memory["total_inactive_file"]),
        processes=files["cgroup.procs"].count(b"\n"),
        periods=cpu.get("nr_periods"),
        throttled=cpu.get("nr_throttled"),
        oom_kills=keyed_numbers(files.get(_KILLS[1], b"")).get("oom_kill"),
        refaults=_refaults(memory, "total_workingset_refault"),
    )


def parse_v2(files: Mapping[str, bytes]) -> Usage:
    """Control group version 2."""
    cpu, memory = keyed_numbers(files["cpu.stat"]), keyed_numbers(files["memory.stat"])
    return Usage(
        cpu_seconds=cpu["usage_usec"] / 1e6,
        memory_bytes=max(0, int(files["memory.current"]) - memory["inactive_file"]),
        processes=files["cgroup.procs"].count(b"\n"),
        periods=cpu.get("nr_periods"),
        throttled=cpu.get("nr_throttled"),
        oom_kills=keyed_numbers(files.get(_KILLS[2], b"")).get("oom_kill"),
        refaults=_refaults(memory, "workingset_refault"),
    )


def _refaults(memory: Mapping[str, int], name: str) -> int | None:
    """Of anonymous and of file pages; None where this kernel counts neither."""
    counted = [memory[key] for key in (f"{name}_anon", f"{name}_file", name) if key in memory]
    return sum(counted) if counted else None


def parse_processes(times: Iterable[ProcessTimes], memory: Iterable[ProcessMemory]) -> Usage:
    """Processes added up.

    The CPU time of a process that ends goes to the one that waits for it, so that their sum keeps it. Of shared memory
    only the largest share counts, which is PostgreSQL's buffers seen from the process that has touched most of them: an
    estimate from below.
    """
    all_times, all_memory = tuple(times), tuple(memory)
    return Usage(
        cpu_seconds=sum(one.own_seconds + one.reaped_seconds for one in all_times),
        memory_bytes=sum(one.private_bytes for one in all_memory)
        + max((one.shared_bytes for one in all_memory), default=0),
        processes=len(all_times),
    )


def _throttled_ratio(now: Usage, before: Usage) -> float | None:
    """Share of the quota's periods in which the stack was stopped. No period ran while it was idle: 0."""
    if now.periods is None or before.periods is None or now.throttled is None or before.throttled is None:
        return None
    if now.periods == 0:
        return None  # no quota is set
    periods, throttled = growth(now.periods, before.periods), growth(now.throttled, before.throttled)
    return 0.0 if periods == 0 else share(throttled, periods)
