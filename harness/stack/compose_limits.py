"""One cgroup above all containers of a stack, since a stage is one server: the same limits as for local processes."""

from __future__ import annotations

import os
from pathlib import Path

from harness.stack.compose_engine import Engine
from harness.stack.limits import CGROUP_ROOT, CgroupPaths, LimitsUnavailable, find_cgroup


def find_parent(engine: Engine, name: str, root: Path = CGROUP_ROOT) -> tuple[CgroupPaths, str]:
    """Where the stack's cgroup can be made, and how the engine is told of it. Raises LimitsUnavailable.

    Only with Docker's own driver: systemd resets the limits of a slice that it did not set itself.
    """
    if engine.cgroup_driver != "cgroupfs":
        raise LimitsUnavailable(f"the engine leaves cgroups to {engine.cgroup_driver}")
    if os.environ.get("DOCKER_HOST", "").partition("://")[0] not in ("", "unix"):
        raise LimitsUnavailable("the engine is on another machine")
    paths = find_cgroup(name, root)
    if paths.version != engine.cgroup_version:
        raise LimitsUnavailable(f"the engine uses cgroup v{engine.cgroup_version}")
    if paths.version == 2 and paths.cpu.parent != root:
        raise LimitsUnavailable("only root may limit containers together")
    return paths, f"/{name}"


def traces(name: str, root: Path = CGROUP_ROOT) -> tuple[Path, ...]:
    """Where the engine makes the parent too: with version 1, in every controller that is mounted."""
    mounts = (place.resolve() for place in sorted(root.iterdir()) if place.is_dir())
    return tuple(dict.fromkeys(mount / name for mount in mounts if (mount / "cgroup.procs").is_file()))


def part_of(pid: int, version: int, root: Path = CGROUP_ROOT, proc: Path = Path("/proc")) -> Path | None:
    """The cgroup with the memory of a container, by its main process; None when that is gone."""
    found = cgroup_of(pid, version, root, proc)
    return None if found is None else found.memory


def cgroup_of(pid: int, version: int, root: Path = CGROUP_ROOT, proc: Path = Path("/proc")) -> CgroupPaths | None:
    """The cgroup of a container, by its main process, wherever the engine's driver put it: ``/docker/ID`` or below the
    parent that it was told (cgroupfs), ``/system.slice/docker-ID.scope`` (systemd). None when the process is gone."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    folders = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            folders[controller] = path.lstrip("/")
    wanted = ("",) * 3 if version == 2 else ("cpu", "cpuacct", "memory")
    if not folders.keys() >= set(wanted):
        return None
    cpu, usage, memory = (root / controller / folders[controller] for controller in wanted)
    return CgroupPaths(version, cpu, usage, memory)
