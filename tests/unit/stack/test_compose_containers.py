"""What the engine and the kernel answer about containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import StackError
from harness.stack.compose_containers import Container, Inside, parse_inside, parse_inspect
from harness.stack.compose_engine import Engine, environment, parse_info, tail
from harness.stack.compose_limits import cgroup_of, find_parent, part_of, traces
from harness.stack.compose_readback import rows_of
from harness.stack.host import Share
from harness.stack.limits import Effective, LimitsUnavailable, read_limits

GIB = 1024**3
ANSWER = {
    "Id": "f00d",
    "Name": "/proofload-ab12cd34-app-1",
    "Image": "sha256:1234",
    "State": {"Running": True, "Pid": 4711, "ExitCode": 0, "OOMKilled": False},
    "Config": {"User": "refapp", "Labels": {"com.docker.compose.service": "app"}},
    "HostConfig": {"NanoCpus": 0, "Memory": 4 * GIB, "CgroupParent": "/proofload-x", "ReadonlyRootfs": True},
    "NetworkSettings": {"Ports": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}], "9/tcp": None}},
    "Mounts": [
        {"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data"},
        {"Type": "bind", "Source": "/stack/secrets/redis"},
    ],
}


def container() -> Container:
    (found,) = parse_inspect(json.dumps([ANSWER]))
    return found


def test_a_container() -> None:
    one = container()
    assert (one.service, one.pid, one.running, one.image) == ("app", 4711, True, "sha256:1234")
    assert one.port(8000) == 32768
    assert one.cpu_cores is None
    assert one.volumes == (Path("/var/lib/docker/volumes/data/_data"),)
    with pytest.raises(StackError, match="port 5432 of proofload-ab12cd34-app-1 is not published"):
        one.port(5432)


@pytest.mark.parametrize("text", ["", "[{}]", '{"a": 1}', "[null]"])
def test_what_is_no_answer_is_an_error(text: str) -> None:
    with pytest.raises(StackError):
        parse_inspect(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v1 -1 100000 4294967296\n4096\n", Inside(None, 4 * GIB, 4096)),
        ("v1 150000 100000 9223372036854771712\n128\n", Inside(1.5, None, 128)),
        ("v2 max 100000 max\n4096\n", Inside(None, None, 4096)),
        ("v2 200000 100000 1073741824\n4096\n", Inside(2.0, GIB, 4096)),
    ],
)
def test_limits_from_inside(text: str, found: Inside) -> None:
    assert parse_inside(text) == found


@pytest.mark.parametrize("text", ["", "v1 1 2\n", "v2 max\n4096", "v1 a b c\n1"])
def test_limits_that_cannot_be_read_are_an_error(text: str) -> None:
    with pytest.raises(StackError, match="cannot be read"):
        parse_inside(text)


def wrong(inside: Inside, parent: str = "/proofload-x") -> list[str]:
    rows = rows_of(container(), inside, Share(2.0, 4 * GIB, ()), parent)
    return [row.setting for row in rows if row.matches is False]


def test_a_container_is_held_against_the_stage() -> None:
    assert wrong(Inside(None, 4 * GIB, 4096)) == []
    assert wrong(Inside(None, None, 4096)) == ["memory, from inside"]
    assert wrong(Inside(1.0, 4 * GIB, 128)) == ["somaxconn", "CPU quota, from inside"]
    # Without a parent each one is to have the whole quota itself.
    assert wrong(Inside(2.0, 4 * GIB, 4096), parent="") == ["CPU quota", "cgroup parent"]


INFO = {"ServerVersion": "20.10.24", "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "NCPU": 2, "MemTotal": GIB}


def test_an_engine() -> None:
    assert parse_info(json.dumps(INFO), "2.26.1") == Engine("20.10.24", "2.26.1", "cgroupfs", 1, 2, GIB)
    with pytest.raises(StackError) as caught:
        parse_info(json.dumps({"ServerErrors": ["Cannot connect to the Docker daemon"]}), "2.26.1")
    assert caught.value.where == ("Cannot connect to the Docker daemon",)
    with pytest.raises(StackError, match="something else"):
        parse_info("Client:", "2.26.1")


def test_the_shells_variables_do_not_reach_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_MEMORY", "1")
    monkeypatch.setenv("COMPOSE_PROFILES", "all")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/other.sock")
    assert not {"STACK_MEMORY", "COMPOSE_PROFILES"} & environment().keys()
    assert environment()["DOCKER_HOST"] == "unix:///run/other.sock"


def test_the_last_lines_are_plain_text() -> None:
    assert tail("\n".join(str(number) for number in range(40)))[0] == "28"
    assert tail("a\x1b[31mred\n\n") == ("a [31mred",)


def cgroup_v1(root: Path) -> None:
    for controller in ("cpu", "cpuacct", "memory", "pids"):
        (root / controller).mkdir()
        (root / controller / "cgroup.procs").write_text("")


def engine(driver: str = "cgroupfs", version: int = 1) -> Engine:
    return Engine("20.10", "2.26", driver, version, 2, GIB)


def test_the_parent_of_all_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    cgroup_v1(tmp_path)
    paths, parent = find_parent(engine(), "proofload-x", tmp_path)
    assert parent == "/proofload-x"
    assert paths.memory == tmp_path / "memory/proofload-x"
    assert {place.parent.name for place in traces("proofload-x", tmp_path)} == {"cpu", "cpuacct", "memory", "pids"}
    for other, why in ((engine("systemd"), "systemd"), (engine(version=2), "cgroup v2")):
        with pytest.raises(LimitsUnavailable, match=why):
            find_parent(other, "proofload-x", tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "tcp://far:2376")
    with pytest.raises(LimitsUnavailable, match="another machine"):
        find_parent(engine(), "proofload-x", tmp_path)


PLACES = {
    "cgroupfs": "/docker/f00d",
    "cgroupfs below a parent": "/proofload-x/f00d",
    "systemd": "/system.slice/docker-f00d.scope",
    "systemd below a slice": "/stage.slice/docker-f00d.scope",
    "an engine in a container": "/docker/0ff/docker/f00d",
}


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES)
def test_limits_of_a_container_wherever_the_driver_puts_its_cgroup_v1(tmp_path: Path, path: str) -> None:
    root, proc = tmp_path / "cg", tmp_path / "proc"
    (proc / "7").mkdir(parents=True)
    text = f"12:pids:{path}\n6:cpu,cpuacct:{path}\n5:memory:{path}\n1:name=systemd:{path}\n0::/\n"
    (proc / "7/cgroup").write_text(text)
    for controller, files in {
        "cpu": {"cpu.cfs_quota_us": "150000", "cpu.cfs_period_us": "100000"},
        "cpuacct": {"cpuacct.usage": "1"},
        "memory": {"memory.limit_in_bytes": str(2 * GIB)},
    }.items():
        folder = root / controller / path.lstrip("/")
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(content)
    found = cgroup_of(7, 1, root, proc)
    assert found is not None
    assert read_limits(found) == Effective(1.5, 2 * GIB)
    assert part_of(7, 1, root, proc) == root / "memory" / path.lstrip("/")


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES)
def test_limits_of_a_container_wherever_the_driver_puts_its_cgroup_v2(tmp_path: Path, path: str) -> None:
    root, proc = tmp_path / "cg", tmp_path / "proc"
    (proc / "7").mkdir(parents=True)
    (proc / "7/cgroup").write_text(f"0::{path}\n")
    folder = root / path.lstrip("/")
    folder.mkdir(parents=True)
    (folder / "cpu.max").write_text("max 100000\n")
    (folder / "memory.max").write_text(f"{2 * GIB}\n")
    found = cgroup_of(7, 2, root, proc)
    assert found is not None
    assert read_limits(found) == Effective(None, 2 * GIB)
    (folder / "cpu.max").write_text("200000 100000\n")
    assert read_limits(found).cpu_cores == 2.0
    assert cgroup_of(7, 1, root, proc) is None, "no controllers of version 1"


def test_the_cgroup_of_a_container_by_its_process(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("5:memory:/proofload-x/f00d\n3:cpu,cpuacct:/proofload-x/f00d\n0::/x\n")
    assert part_of(7, 1, Path("/cg"), tmp_path) == Path("/cg/memory/proofload-x/f00d")
    assert part_of(7, 2, Path("/cg"), tmp_path) == Path("/cg/x")
    assert part_of(8, 1, Path("/cg"), tmp_path) is None
