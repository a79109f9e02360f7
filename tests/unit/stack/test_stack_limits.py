"""cgroup v1 and v2 on trees of plain files that look as the kernel's do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.stack.limits import (
    CgroupPaths,
    Effective,
    LimitsUnavailable,
    find_cgroup,
    members,
    read_limits,
    remove_cgroups,
    set_limits,
)

GIB = 1024**3


def v1_tree(root: Path) -> None:
    for controller in ("cpu", "cpuacct", "memory"):
        (root / controller).mkdir(parents=True)


def v2_tree(root: Path, *, controllers: str = "cpuset cpu io memory pids", enabled: str = "cpu memory pids") -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "cgroup.controllers").write_text(controllers + "\n")
    (root / "cgroup.subtree_control").write_text(enabled + "\n")


def own_cgroup(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "self-cgroup"
    path.write_text(text)
    return path


def test_v1_has_a_folder_for_each_controller_and_reads_back_what_was_set(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    v1_tree(root)
    paths = find_cgroup("proofload-x", root, own_cgroup(tmp_path, "3:cpu:/\n"))
    assert paths == CgroupPaths(1, root / "cpu/proofload-x", root / "cpuacct/proofload-x", root / "memory/proofload-x")
    assert not paths.cpu.exists()
    set_limits(paths, 1.5, 4 * GIB + 17)
    assert (paths.cpu / "cpu.cfs_quota_us").read_text() == "150000"
    assert (paths.cpu / "cpu.cfs_period_us").read_text() == "100000"
    assert read_limits(paths) == Effective(1.5, 4 * GIB)  # whole pages
    assert not (paths.memory / "memory.memsw.limit_in_bytes").exists()  # a kernel without swap accounting
    assert [path.parent.parent.name for path in paths.entrances] == ["cpu", "cpuacct", "memory"]


def test_v1_controllers_mounted_together_are_one_folder(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    (root / "cpu,cpuacct").mkdir(parents=True)
    (root / "memory").mkdir()
    for name in ("cpu", "cpuacct"):
        (root / name).symlink_to("cpu,cpuacct")
    paths = find_cgroup("proofload-x", root, own_cgroup(tmp_path, ""))
    assert paths.folders == (root / "cpu,cpuacct/proofload-x", root / "memory/proofload-x")


def test_v1_without_limits_reads_as_none(tmp_path: Path) -> None:
    (tmp_path / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert read_limits(CgroupPaths(1, tmp_path, tmp_path, tmp_path)) == Effective(None, None)


def test_v2_as_root_is_a_child_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    v2_tree(root, enabled="pids")
    paths = find_cgroup("proofload-x", root, own_cgroup(tmp_path, "0::/system.slice/ssh.service\n"))
    assert paths.folders == (root / "proofload-x",)
    paths.memory.mkdir()
    (paths.memory / "memory.swap.max").write_text("max\n")
    set_limits(paths, 2, 4 * GIB)
    assert (root / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (paths.cpu / "cpu.max").read_text() == "200000 100000"
    assert (paths.memory / "memory.max").read_text() == str(4 * GIB)
    assert (paths.memory / "memory.swap.max").read_text() == "0"
    assert read_limits(paths) == Effective(2.0, 4 * GIB)


def test_v2_in_a_users_session_is_a_brother_of_its_own_cgroup(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    v2_tree(root, controllers="pids")  # the root offers nothing here
    v2_tree(root / "user.slice/app.slice")
    own = own_cgroup(tmp_path, "0::/user.slice/app.slice/terminal.scope\n")
    assert find_cgroup("proofload-x", root, own).cpu == root / "user.slice/app.slice/proofload-x"


def test_v2_recorded_replies(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    paths = CgroupPaths(2, tmp_path, tmp_path, tmp_path)
    assert read_limits(paths) == Effective(None, None)
    (tmp_path / "cpu.max").write_text("400000 100000\n")
    (tmp_path / "memory.max").write_text("8589934592\n")
    assert read_limits(paths) == Effective(4.0, 8 * GIB)


def test_v2_without_the_controllers_says_so(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    v2_tree(root, controllers="hugetlb")
    with pytest.raises(LimitsUnavailable, match="no cgroup of this user's has the CPU and memory controllers"):
        find_cgroup("proofload-x", root, own_cgroup(tmp_path, "0::/\n"))


def test_no_cgroup_at_all_says_so(tmp_path: Path) -> None:
    with pytest.raises(LimitsUnavailable, match="no cgroup"):
        find_cgroup("proofload-x", tmp_path, own_cgroup(tmp_path, ""))


def test_v1_that_may_not_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "cgroup"
    v1_tree(root)
    monkeypatch.setattr("harness.stack.limits.os.access", lambda path, _: path != root / "memory")
    with pytest.raises(LimitsUnavailable, match=r"memory may not be written"):
        find_cgroup("proofload-x", root, own_cgroup(tmp_path, ""))


def test_what_was_made_before_a_limit_failed_is_removed(tmp_path: Path) -> None:
    paths = CgroupPaths(1, tmp_path / "cpu", tmp_path / "cpuacct", tmp_path / "missing/memory")
    with pytest.raises(LimitsUnavailable, match="No such file"):
        set_limits(paths, 1, GIB)
    assert list(tmp_path.iterdir()) == []


def test_members_are_those_of_every_folder(tmp_path: Path) -> None:
    for name, text in (("a", "12\n13\n"), ("b", "13\n0\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").write_text(text)
    assert members((tmp_path / "a", tmp_path / "b", tmp_path / "gone")) == {12, 13}


def test_a_cgroup_that_the_kernel_still_holds_is_tried_again(tmp_path: Path) -> None:
    held = tmp_path / "group"
    (held / "child").mkdir(parents=True)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            (held / "child").rmdir()

    assert remove_cgroups((held, tmp_path / "gone"), clock=lambda: 0.0, sleep=sleep) == (held,)
    assert len(slept) == 3


def test_a_cgroup_that_never_empties_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "group/child").mkdir(parents=True)
    clock = iter(range(100))
    with pytest.raises(OSError, match="not empty"):
        remove_cgroups((tmp_path / "group",), clock=lambda: float(next(clock)), sleep=lambda _: None)
