"""Containers as ``docker inspect`` describes them, and their limits as they see them from inside. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StackError

SERVICE_LABEL = "com.docker.compose.service"
PROJECT_LABEL = "com.docker.compose.project"

ASK_INSIDE = """cd /sys/fs/cgroup
if [ -e memory.max ]; then echo v2 $(cat cpu.max memory.max)
else echo v1 $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes); fi
cat /proc/sys/net/core/somaxconn"""
"""Run by sh inside a container: its own limits, and the longest queue of connections that wait to be accepted."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container. pid: of its main process on this machine, 0 when it does not run. image: the image's id.

    cpu_cores: its own quota, None without. ports: on loopback, by the port inside. volumes: their folders here.
    """

    id: str
    name: str
    service: str
    pid: int
    running: bool
    exit_code: int
    oom_killed: bool
    image: str
    cpu_cores: float | None
    memory_bytes: int
    cgroup_parent: str
    read_only: bool
    user: str
    ports: Mapping[int, int]
    volumes: tuple[Path, ...]

    def port(self, inside: int) -> int:
        """Where it is published. Raises StackError."""
        try:
            return self.ports[inside]
        except KeyError as error:
            raise StackError(f"port {inside} of {self.name} is not published") from error


def parse_inspect(text: str) -> tuple[Container, ...]:
    """What ``docker inspect`` printed. Raises StackError for what is no such answer."""
    try:
        return tuple(sorted((_container(one) for one in json.loads(text)), key=lambda one: (one.service, one.name)))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StackError("docker inspect answered something else than containers", str(error)) from error


def _container(answer: Mapping[str, Any]) -> Container:
    state, host, config = answer["State"], answer["HostConfig"], answer["Config"]
    ports = {
        int(inside.partition("/")[0]): int(published[0]["HostPort"])
        for inside, published in (answer["NetworkSettings"].get("Ports") or {}).items()
        if published
    }
    return Container(
        id=answer["Id"],
        name=answer["Name"].lstrip("/"),
        service=config["Labels"][SERVICE_LABEL],
        pid=int(state["Pid"]),
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]),
        oom_killed=bool(state.get("OOMKilled")),
        image=answer["Image"],
        cpu_cores=host["NanoCpus"] / 1e9 if host.get("NanoCpus") else None,
        memory_bytes=int(host["Memory"]),
        cgroup_parent=host.get("CgroupParent") or "",
        read_only=bool(host.get("ReadonlyRootfs")),
        user=config.get("User") or "root",
        ports=ports,
        volumes=tuple(Path(mount["Source"]) for mount in answer.get("Mounts", ()) if mount.get("Type") == "volume"),
    )


@dataclass(frozen=True, slots=True)
class Inside:
    """What a container finds in its own cgroup files; None: no limit. somaxconn: of its network."""

    cpu_cores: float | None
    memory_bytes: int | None
    somaxconn: int


def parse_inside(text: str) -> Inside:
    """The answer to ``ASK_INSIDE``, of either version of cgroups. Raises StackError."""
    try:
        first, second = text.split("\n", 1)
        version, quota, period, memory = first.split()
        unlimited = "max" if version == "v2" else "-1"
        no_memory_limit = memory == "max" or int(memory) > 2**62  # v1 says the largest multiple of a page
        return Inside(
            None if quota == unlimited else int(quota) / int(period),
            None if no_memory_limit else int(memory),
            int(second),
        )
    except ValueError as error:
        raise StackError("the limits inside a container cannot be read", repr(text[:200])) from error
