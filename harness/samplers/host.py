"""The host: CPU, memory, pressure, disks and network, from /proc.

Formats: proc_stat(5), proc_meminfo(5), proc_loadavg(5), kernel Documentation/admin-guide/iostats.rst,
Documentation/accounting/psi.rst, Documentation/networking/snmp_counter.rst.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.samplers.base import KernelFile, growth, keyed_numbers, known, per_second, share
from harness.samplers.targets import Targets

_FILES = (
    "stat",
    "loadavg",
    "meminfo",
    "diskstats",
    "net/dev",
    "net/snmp",
    "net/netstat",
    "pressure/cpu",
    "pressure/memory",
    "pressure/io",
)
_REQUIRED = "stat"
_PRESSURES = (("cpu", "some"), ("memory", "some"), ("memory", "full"), ("io", "some"), ("io", "full"))
_SECTOR_BYTES = 512
_MADE_OF_OTHER_DISKS = re.compile(r"^(loop|ram|zram|dm-|md|nbd|sr|fd)\d")
_PARTITION = re.compile(r"^p?\d+$")
_MADE_OF_OTHER_INTERFACES = re.compile(r"^(veth|br-|docker|virbr|ifb|bond|tun|tap)")


@dataclass(frozen=True, slots=True)
class HostRaw:
    """The files, by their path below /proc (absent where the kernel has none), and the fullness of the file system."""

    files: Mapping[str, bytes]
    disk_used_ratio: float | None


@dataclass(frozen=True, slots=True)
class _Cpu:
    idle: int
    niced: int
    steal: int
    total: int


@dataclass(frozen=True, slots=True)
class _Disk:
    operations: int
    read_bytes: int
    written_bytes: int
    busy_seconds: float
    waited_seconds: float
    queued_seconds: float


class HostSampler:
    """Samples the machine that everything runs on.

    path: a place on the file system whose fullness counts.
    """

    source = "host"
    period_seconds = 1.0

    def __init__(self, path: Path, proc: Path = Path("/proc")) -> None:
        self._path = path
        self._files = {name: KernelFile(proc / name) for name in _FILES}

    def fetch(self) -> HostRaw:
        """Read the files."""
        texts = {name: file.read_if_there() for name, file in self._files.items() if name != _REQUIRED}
        texts[_REQUIRED] = self._files[_REQUIRED].read()
        space = os.statvfs(self._path)
        used = space.f_blocks - space.f_bfree
        return HostRaw(
            {name: text for name, text in texts.items() if text is not None}, share(used, used + space.f_bavail)
        )

    def parse(self, raw: HostRaw, previous: HostRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the host."""
        before = {} if previous is None else previous.files
        values: dict[str, float | None] = {"disk_used_ratio": raw.disk_used_ratio}
        values |= _memory(raw.files)
        values |= _cpu(raw.files, before)
        values |= _pressure(raw.files, before, elapsed_seconds)
        values |= _disks(raw.files, before, elapsed_seconds)
        values |= _network(raw.files, before, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def from_targets(targets: Targets) -> HostSampler:
    """Always made: there is always a host."""
    return HostSampler(targets.data_paths[0] if targets.data_paths else Path("/"))


def _memory(files: Mapping[str, bytes]) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    if "loadavg" in files:
        values["load_1m"] = float(files["loadavg"].split()[0])
    if "meminfo" in files:
        kibibytes = keyed_numbers(files["meminfo"])
        used = kibibytes["MemTotal"] - kibibytes["MemAvailable"]
        values["memory_used_bytes"] = used * 1024
        values["memory_used_ratio"] = share(used, kibibytes["MemTotal"])
    return values


def _cpu(files: Mapping[str, bytes], before: Mapping[str, bytes]) -> dict[str, float | None]:
    """Busy is whatever is not idle, stolen time included: a core that another machine took is not free either."""
    if "stat" not in before:
        return {}
    now, then = _cpu_ticks(files["stat"]), _cpu_ticks(before["stat"])
    total, idle, steal = growth(now.total, then.total), growth(now.idle, then.idle), growth(now.steal, then.steal)
    idle_ratio = share(idle, total)
    return {
        "cpu_busy_ratio": None if idle_ratio is None else max(0.0, 1 - idle_ratio),
        # Work of low priority, which gives way to all other work.
        "cpu_niced_ratio": share(growth(now.niced, then.niced), total),
        "cpu_steal_ratio": share(steal, total),
    }


def _cpu_ticks(text: bytes) -> _Cpu:
    # user nice system idle iowait irq softirq steal; guest time, which follows, is already part of user time
    ticks = [int(word) for word in text.partition(b"\n")[0].split()[1:9]]
    return _Cpu(idle=ticks[3] + ticks[4], niced=ticks[1], steal=ticks[7], total=sum(ticks))


def _pressure(files: Mapping[str, bytes], before: Mapping[str, bytes], elapsed: float) -> dict[str, float | None]:
    """Share of the time in which some (or all, "full") tasks waited for the resource."""
    values: dict[str, float | None] = {}
    for resource, kind in _PRESSURES:
        name = f"pressure/{resource}"
        if name in files and name in before:
            rate = per_second(_stalled_seconds(files[name], kind), _stalled_seconds(before[name], kind), elapsed)
            values[f"psi_{resource}_{kind}_ratio"] = rate
    return values


def _stalled_seconds(text: bytes, kind: str) -> float:
    for line in text.decode().splitlines():
        if line.startswith(kind):
            return int(line.rpartition("total=")[2]) / 1e6
    raise ValueError(f'no "{kind}" line in the pressure file')


def _disks(files: Mapping[str, bytes], before: Mapping[str, bytes], elapsed: float) -> dict[str, float | None]:
    if "diskstats" not in files or "diskstats" not in before:
        return {}
    now, then = _disk_counters(files["diskstats"]), _disk_counters(before["diskstats"])
    both = now.keys() & then.keys()
    busy = [per_second(now[name].busy_seconds, then[name].busy_seconds, elapsed) for name in both]
    operations = growth(sum(now[name].operations for name in both), sum(then[name].operations for name in both))
    waited = growth(sum(now[name].waited_seconds for name in both), sum(then[name].waited_seconds for name in both))
    return {
        # A device reports its busy time in whole milliseconds, so that a full second may come out a little above 1.
        "disk_busy_ratio": min(1.0, max((ratio for ratio in busy if ratio is not None), default=0.0)),
        # Of the operations that ended; without any there is no time to speak of.
        "disk_await_seconds": share(waited, operations),
        "disk_queue": per_second(
            sum(now[name].queued_seconds for name in both), sum(then[name].queued_seconds for name in both), elapsed
        ),
        "disk_read_bytes_per_second": per_second(
            sum(now[name].read_bytes for name in both), sum(then[name].read_bytes for name in both), elapsed
        ),
        "disk_write_bytes_per_second": per_second(
            sum(now[name].written_bytes for name in both), sum(then[name].written_bytes for name in both), elapsed
        ),
        "disk_operations_per_second": per_second(
            sum(now[name].operations for name in both), sum(then[name].operations for name in both), elapsed
        ),
    }


def _disk_counters(text: bytes) -> dict[str, _Disk]:
    """Whole physical disks: what is made of other disks, or is a part of one, would be counted twice."""
    rows = {(words := line.split())[2]: words for line in text.decode().splitlines()}
    disks: dict[str, _Disk] = {}
    for name, words in rows.items():
        if _MADE_OF_OTHER_DISKS.match(name) or _is_partition(name, rows):
            continue
        disks[name] = _Disk(
            operations=int(words[3]) + int(words[7]),
            read_bytes=int(words[5]) * _SECTOR_BYTES,
            written_bytes=int(words[9]) * _SECTOR_BYTES,
            busy_seconds=int(words[12]) / 1000,
            waited_seconds=(int(words[6]) + int(words[10])) / 1000,
            queued_seconds=int(words[13]) / 1000,
        )
    return disks


def _is_partition(name: str, names: Mapping[str, object]) -> bool:
    return any(name != other and name.startswith(other) and _PARTITION.match(name[len(other) :]) for other in names)


def _network(files: Mapping[str, bytes], before: Mapping[str, bytes], elapsed: float) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    if "net/dev" in files and "net/dev" in before:
        values["network_bytes_per_second"] = per_second(
            _network_bytes(files["net/dev"]), _network_bytes(before["net/dev"]), elapsed
        )
    for key, name, protocol, counter in (
        ("tcp_retransmits_per_second", "net/snmp", b"Tcp:", b"RetransSegs"),
        ("listen_overflows_per_second", "net/netstat", b"TcpExt:", b"ListenOverflows"),
    ):
        if name in files and name in before:
            values[key] = per_second(
                _counter(files[name], protocol, counter), _counter(before[name], protocol, counter), elapsed
            )
    return values


def _network_bytes(text: bytes) -> int:
    """Received and sent, over all interfaces; what goes through the loopback is sent and received, and counts once."""
    total = 0
    for line in text.decode().splitlines()[2:]:
        name, _, numbers = line.partition(":")
        words = numbers.split()
        if _MADE_OF_OTHER_INTERFACES.match(name.strip()):
            continue
        total += int(words[8]) + (0 if name.strip() == "lo" else int(words[0]))
    return total


def _counter(text: bytes, protocol: bytes, name: bytes) -> int:
    """A counter of a file of line pairs: ``Tcp: names…`` and ``Tcp: numbers…``."""
    header, numbers = (line for line in text.splitlines() if line.startswith(protocol + b" "))
    return int(numbers.split()[header.split().index(name)])
