"""The v1 files were recorded; those of v2 are written after the kernel's documentation (admin-guide/cgroup-v2)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.samplers.cgroup import (
    ControlGroup,
    ProcessTree,
    StackRaw,
    StackSampler,
    from_targets,
    parse_processes,
    parse_v1,
    parse_v2,
)
from harness.samplers.processes import ProcessMemory, ProcessTimes
from harness.samplers.targets import Cgroup, Targets

DATA = Path(__file__).parent / "data"
GIB = 2**30


def files(folder: str) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in (DATA / folder).iterdir()}


def sampler(version: int, **size: float) -> StackSampler:
    nowhere = Path("/nonexistent")
    return StackSampler(ControlGroup(Cgroup(version, nowhere, nowhere, nowhere)), **size)


def test_version_1_as_recorded() -> None:
    usage = parse_v1(files("cgroup-v1-2"))
    assert usage.cpu_seconds == pytest.approx(7.381908078)
    assert usage.periods == 1847
    assert usage.throttled == 0
    assert usage.oom_kills == 0
    assert usage.processes == files("cgroup-v1-2")["cgroup.procs"].count(b"\n") > 10
    inactive = int(files("cgroup-v1-2")["memory.stat"].split(b"total_inactive_file ")[1].split()[0])
    assert usage.memory_bytes == 56942592 - inactive


def test_version_1_over_two_seconds() -> None:
    values = sampler(1, vcpu=2, memory_bytes=GIB).parse(
        StackRaw(files("cgroup-v1-2")), StackRaw(files("cgroup-v1-1")), 2.0
    )
    assert values["cpu_cores"] == pytest.approx((7.381908078 - 7.277229425) / 2)
    assert values["cpu_ratio"] == pytest.approx(values["cpu_cores"] / 2)
    assert values["throttled_ratio"] == 0.0
    assert values["memory_ratio"] == values["memory_bytes"] / GIB


@pytest.mark.parametrize(("version", "prefix"), [(1, "total_workingset_refault"), (2, "workingset_refault")])
def test_pages_read_again_are_counted_of_both_kinds(version: int, prefix: str) -> None:
    def group(anonymous: int, file: int) -> StackRaw:
        recorded = files(f"cgroup-v{version}-1")
        lines = [line for line in recorded["memory.stat"].splitlines() if b"workingset_refault" not in line]
        counted = f"{prefix}_anon {anonymous}\n{prefix}_file {file}\n".encode()
        return StackRaw({**recorded, "memory.stat": b"\n".join(lines) + b"\n" + counted})

    values = sampler(version).parse(group(30, 170), group(10, 90), 2.0)
    assert values["refaults_per_second"] == 50
    bare = files(f"cgroup-v{version}-1")
    lines = [line for line in bare["memory.stat"].splitlines() if b"workingset_refault" not in line]
    silent = StackRaw({**bare, "memory.stat": b"\n".join(lines)})
    assert "refaults_per_second" not in sampler(version).parse(silent, silent, 2.0)


def test_version_2_over_two_seconds() -> None:
    values = sampler(2, vcpu=2, memory_bytes=GIB).parse(
        StackRaw(files("cgroup-v2-2")), StackRaw(files("cgroup-v2-1")), 2.0
    )
    assert values == {
        "cpu_cores": pytest.approx(1.5),
        "cpu_ratio": pytest.approx(0.75),
        "throttled_ratio": pytest.approx(5 / 20),
        "memory_bytes": 322961408 - 62914560,
        "memory_ratio": (322961408 - 62914560) / GIB,
        "oom_kills_total": 1.0,
        "processes": 3.0,
    }


def test_the_first_sample_has_no_rates() -> None:
    assert set(sampler(2, vcpu=2).parse(StackRaw(files("cgroup-v2-1")), None, 0.0)) == {
        "memory_bytes",
        "oom_kills_total",
        "processes",
    }


def test_a_group_made_anew_leaves_the_rates_out() -> None:
    values = sampler(2, vcpu=2).parse(StackRaw(files("cgroup-v2-1")), StackRaw(files("cgroup-v2-2")), 2.0)
    assert not {"cpu_cores", "cpu_ratio", "throttled_ratio"} & values.keys()


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((10, 2), (20, 7), 0.5),
        ((10, 2), (10, 2), 0.0),  # idle: no period ran
        ((0, 0), (0, 0), None),  # no quota
    ],
)
def test_throttling_is_a_share_of_the_periods(
    before: tuple[int, int], now: tuple[int, int], expected: float | None
) -> None:
    def raw(periods: int, throttled: int) -> StackRaw:
        text = f"usage_usec 1\nnr_periods {periods}\nnr_throttled {throttled}\n"
        return StackRaw({**files("cgroup-v2-1"), "cpu.stat": text.encode()})

    assert sampler(2).parse(raw(*now), raw(*before), 1.0).get("throttled_ratio") == expected


def test_version_2_without_the_cpu_controller_knows_no_throttling() -> None:
    usage = parse_v2({**files("cgroup-v2-1"), "cpu.stat": b"usage_usec 5\nuser_usec 3\nsystem_usec 2\n"})
    assert (usage.cpu_seconds, usage.periods, usage.throttled) == (5e-6, None, None)


@pytest.mark.parametrize("version", [1, 2])
def test_the_files_of_each_version_are_read(version: int, tmp_path: Path) -> None:
    for name, text in files(f"cgroup-v{version}-1").items():
        (tmp_path / name).write_bytes(text)
    group = ControlGroup(Cgroup(version, tmp_path, tmp_path, tmp_path))
    raw = group.fetch()
    assert group.usage(raw).cpu_seconds == pytest.approx(7.277229, abs=1e-5)
    group.close()


@pytest.mark.parametrize(("version", "name"), [(1, "memory.oom_control"), (2, "memory.events")])
def test_without_a_count_of_kills_it_is_unknown_and_not_zero(version: int, name: str, tmp_path: Path) -> None:
    for path in (DATA / f"cgroup-v{version}-1").iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    stack = StackSampler(ControlGroup(Cgroup(version, tmp_path, tmp_path, tmp_path)))
    values = stack.parse(stack.fetch(), None, 0.0)
    stack.close()
    assert "oom_kills_total" not in values
    assert "memory_bytes" in values


@pytest.mark.parametrize(("version", "name"), [(1, "memory.oom_control"), (2, "memory.events")])
def test_containers_are_added_up_and_one_that_is_gone_keeps_its_kills(version: int, name: str, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", (tmp_path / "whole/a", tmp_path / "whole/b")
    for folder in (whole, *parts):
        folder.mkdir()
    for file, text in files(f"cgroup-v{version}-1").items():
        (whole / file).write_bytes(text)
    (whole / "cgroup.procs").write_bytes(b"")
    (whole / name).write_bytes(b"oom_kill 2\n" if version == 2 else b"oom_kill 0\n")  # v2 adds up by itself
    for part in parts:
        (part / "cgroup.procs").write_bytes(b"7\n8\n")
        (part / name).write_bytes(b"oom_kill 1\n")
    group = ControlGroup(Cgroup(version, whole, whole, whole, parts))
    usage = group.usage(group.fetch())
    assert (usage.processes, usage.oom_kills) == (4, 2)
    group.close()
    for file in (name, "cgroup.procs"):
        (parts[1] / file).unlink()
    usage = group.usage(group.fetch())
    assert (usage.processes, usage.oom_kills) == (2, 2)
    group.close()


def test_a_group_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ControlGroup(Cgroup(2, tmp_path, tmp_path, tmp_path)).fetch()


def times(pid: int, own: float, reaped: float = 0.0) -> ProcessTimes:
    return ProcessTimes(pid, 100, own, reaped)


def test_processes_add_up_and_a_child_that_ended_is_not_lost() -> None:
    before = StackRaw(None, [times(1, 5.0), times(2, 3.0)], [ProcessMemory(100, 40), ProcessMemory(50, 70)])
    # The child used another second, ended, and its parent waited for it.
    now = StackRaw(None, [times(1, 5.5, reaped=4.0)], [ProcessMemory(100, 40)])
    stack = StackSampler(ProcessTree(()), vcpu=2)
    assert stack.parse(now, before, 1.0) == {
        "cpu_cores": pytest.approx(1.5),
        "cpu_ratio": pytest.approx(0.75),
        "memory_bytes": 140.0,
        "processes": 1.0,
    }


def test_shared_memory_counts_once() -> None:
    assert parse_processes([], [ProcessMemory(100, 40), ProcessMemory(50, 70)]).memory_bytes == 220


def test_processes_of_a_server_that_was_lost_leave_the_rate_out() -> None:
    stack = StackSampler(ProcessTree(()))
    values = stack.parse(StackRaw(None, [times(1, 5.0)]), StackRaw(None, [times(1, 5.0), times(2, 3.0)]), 1.0)
    assert "cpu_cores" not in values


def test_this_very_process_can_be_looked_at() -> None:
    raw = ProcessTree((os.getpid(), os.getpid())).fetch()
    assert [one.pid for one in raw.times].count(os.getpid()) == 1
    usage = parse_processes(raw.times, raw.memory)
    assert usage.cpu_seconds > 0
    assert usage.memory_bytes > 2**20


def test_no_process_left_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(ProcessLookupError):
        ProcessTree((2**22 + 1,)).fetch()


def test_made_when_there_is_something_to_look_at(tmp_path: Path) -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(process_ids=(1,))) is not None
    assert from_targets(Targets(cgroup=Cgroup(2, tmp_path, tmp_path, tmp_path))) is not None
