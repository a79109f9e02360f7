from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.samplers.host import HostRaw, HostSampler

DATA = Path(__file__).parent / "data"
NAMES = ("stat", "loadavg", "meminfo", "diskstats", "net/dev", "net/snmp", "net/netstat")
PRESSURE = ("pressure/cpu", "pressure/memory", "pressure/io")


def recorded(number: int, **changes: bytes) -> HostRaw:
    files = {name: (DATA / f"host-{number}" / name).read_bytes() for name in (*NAMES, *PRESSURE)}
    return HostRaw({**files, **{name.replace("__", "/"): text for name, text in changes.items()}}, 0.25)


def parse(raw: HostRaw, previous: HostRaw | None, elapsed_seconds: float = 2.0) -> Mapping[str, float]:
    return HostSampler(Path("/")).parse(raw, previous, elapsed_seconds)


def test_two_recorded_moments() -> None:
    values = parse(recorded(2), recorded(1))
    assert values == {
        "cpu_busy_ratio": pytest.approx(1 - 8 / 412),
        "cpu_niced_ratio": values["cpu_niced_ratio"],
        "cpu_steal_ratio": 0.0,
        "load_1m": values["load_1m"],
        "memory_used_ratio": pytest.approx(values["memory_used_bytes"] / (24684084 * 1024)),
        "memory_used_bytes": values["memory_used_bytes"],
        "psi_cpu_some_ratio": pytest.approx(0.720185),
        "psi_memory_some_ratio": 0.0,
        "psi_memory_full_ratio": 0.0,
        "psi_io_some_ratio": values["psi_io_some_ratio"],
        "psi_io_full_ratio": pytest.approx(0.002588),
        "disk_busy_ratio": pytest.approx(0.02),
        "disk_await_seconds": values["disk_await_seconds"],
        "disk_queue": values["disk_queue"],
        "disk_read_bytes_per_second": 4247552.0,
        "disk_write_bytes_per_second": 763904.0,
        "disk_operations_per_second": 409.0,
        "disk_used_ratio": 0.25,
        "network_bytes_per_second": 4427700.0,
        "tcp_retransmits_per_second": values["tcp_retransmits_per_second"],
        "listen_overflows_per_second": 0.0,
    }
    assert values["load_1m"] == float((DATA / "host-2/loadavg").read_text().split()[0])


def test_waits_for_the_disk_and_work_of_low_priority() -> None:
    def disk(operations: int, waited: int, queued: int) -> bytes:
        return f"254 0 vda {operations} 0 0 {waited} 0 0 0 0 0 0 {queued} 0 0 0 0\n".encode()

    before = recorded(1, diskstats=disk(10, 100, 1000), stat=b"cpu 10 0 0 90 0 0 0 0 0 0\n")
    now = recorded(1, diskstats=disk(14, 180, 1500), stat=b"cpu 30 40 0 120 0 0 0 0 0 0\n")
    values = parse(now, before)
    assert values["disk_await_seconds"] == pytest.approx(0.02)  # 80 ms over 4 operations
    assert values["disk_queue"] == pytest.approx(0.25)  # 500 ms over the two seconds between
    assert values["cpu_niced_ratio"] == pytest.approx(40 / 90)
    assert "disk_await_seconds" not in parse(before, before)  # nothing ended


def test_the_first_sample_has_levels_and_no_rates() -> None:
    assert set(parse(recorded(1), None)) == {"load_1m", "memory_used_bytes", "memory_used_ratio", "disk_used_ratio"}


def test_memory_in_use_is_what_is_not_available() -> None:
    meminfo = b"MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 400 kB\n"
    values = parse(recorded(1, meminfo=meminfo), None)
    assert (values["memory_used_bytes"], values["memory_used_ratio"]) == (600 * 1024, 0.6)


def test_counters_that_went_back_leave_their_keys_out() -> None:
    values = parse(recorded(1), recorded(2))
    assert not {key for key in values if key.endswith("_per_second")} - {
        "listen_overflows_per_second",
        "tcp_retransmits_per_second",
    }
    assert "cpu_busy_ratio" not in values
    assert "psi_cpu_some_ratio" not in values
    assert all(value >= 0 for value in values.values())


def test_a_kernel_without_pressure_files_leaves_those_keys_out() -> None:
    def without(raw: HostRaw) -> HostRaw:
        return HostRaw({name: text for name, text in raw.files.items() if name not in PRESSURE}, raw.disk_used_ratio)

    values = parse(without(recorded(2)), without(recorded(1)))
    assert not [key for key in values if key.startswith("psi_")]
    assert "cpu_busy_ratio" in values


def test_stolen_time_is_not_free_and_is_told_apart() -> None:
    before, now = b"cpu 0 0 0 0 0 0 0 0 0 0\n", b"cpu 30 0 10 40 10 0 0 10 5 0\n"
    values = parse(recorded(2, stat=now), recorded(1, stat=before))
    assert values["cpu_busy_ratio"] == pytest.approx(0.5)
    assert values["cpu_steal_ratio"] == pytest.approx(0.1)


def test_disks_are_counted_once() -> None:
    def disks(operations: int) -> bytes:
        names = ("sda", "sda1", "sdaa", "nvme0n1", "nvme0n1p2", "loop0", "dm-0", "md127", "zram0")
        return "".join(
            f" 8 {n} {name} {operations} 0 {operations} 0 0 0 0 0 0 {operations * 100} 0\n"
            for n, name in enumerate(names)
        ).encode()

    values = parse(recorded(2, diskstats=disks(3)), recorded(1, diskstats=disks(1)), 1.0)
    assert values["disk_operations_per_second"] == 2 * 3  # sda, sdaa, nvme0n1
    assert values["disk_busy_ratio"] == pytest.approx(0.2)  # the busiest one


def test_loopback_counts_once_and_bridges_not_at_all() -> None:
    head = b"Inter-| Receive | Transmit\n face |bytes\n"

    def devices(count: int) -> bytes:
        row = f"{count} 0 0 0 0 0 0 0 {count} 0 0 0 0 0 0 0\n".encode()
        return head + b"".join(name + b": " + row for name in (b"   lo", b" eth0", b"docker0", b"veth12"))

    values = parse(recorded(2, net__dev=devices(1100)), recorded(1, net__dev=devices(100)), 1.0)
    assert values["network_bytes_per_second"] == 1000 + 2000


def test_the_files_of_a_made_up_proc_are_read(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    for name in NAMES:
        (tmp_path / name).write_bytes((DATA / "host-1" / name).read_bytes())
    sampler = HostSampler(tmp_path, proc=tmp_path)
    raw = sampler.fetch()
    sampler.close()
    assert set(raw.files) == set(NAMES)
    assert raw.disk_used_ratio is not None
    assert 0 < raw.disk_used_ratio <= 1


def test_without_proc_stat_there_is_no_sample(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HostSampler(tmp_path, proc=tmp_path).fetch()
