"""What the running containers say of themselves, held against what the stage asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.model.run import ReadBack
from harness.model.units import Unit, format_quantity
from harness.planning.sizing import workers_of_each_server
from harness.stack import application, nginx, pgbouncer, postgres, redis, tasks, web
from harness.stack.compose_containers import ASK_INSIDE, Container, Inside, parse_inside
from harness.stack.compose_engine import docker
from harness.stack.compose_limits import cgroup_of
from harness.stack.compose_render import EVERYWHERE, PGBOUNCER_PORT, SOMAXCONN, Rendered, pooler
from harness.stack.host import Share
from harness.stack.limits import PAGE_BYTES, CgroupPaths, read_limits
from harness.stack.readback import compare, numbered, recorded
from harness.stack.sizes import limit_rows


@dataclass(frozen=True, slots=True)
class Read:
    """What is read back. cgroup_version: the engine's. parent: of the containers' cgroups, "" without. answer: of the
    Celery workers."""

    rendered: Rendered
    share: Share
    cgroup: CgroupPaths | None
    cgroup_version: int
    parent: str
    database: postgres.Postgres
    replica: postgres.Postgres | None
    cache: redis.Redis
    containers: tuple[Container, ...]
    answer: Mapping[str, Any]
    nginx_version: str


def read_back(read: Read) -> tuple[ReadBack, ...]:
    """Ask the engine, the kernel and every server. Raises StackError, psycopg.Error, redis.RedisError."""
    running = {one.service: one for one in read.containers if one.running}
    size, budget = read.rendered.size, read.rendered.budget
    dsn, console = read.database.dsn(superuser=False), None
    if "pgbouncer" in running:
        console = pooler(size, budget, running["pgbouncer"].port(PGBOUNCER_PORT))
        dsn = read.database.dsn(superuser=False, port=console.port)
    apps = [one for one in read.containers if one.service == "app" and one.running]
    of_one = replace(size, gunicorn_workers=workers_of_each_server(size))
    pids = {worker.queue: running[worker.name].pid for worker in tasks.workers_of(size)}
    return (
        *limit_rows(read.cgroup, read.share, size),
        *(row for one in read.containers if one.running for row in container_rows(one, read)),
        *postgres.read_back(read.database, size, dsn),
        *(() if read.replica is None else postgres.read_back_replica(read.replica, read.database, size)),
        *(pgbouncer.read_back(console, read.database) if console is not None else ()),
        *redis.read_back(read.cache, size, EVERYWHERE),
        compare("app", "servers", size.app_servers, len(apps)),
        *(row for place, one in enumerate(apps, 1) for row in numbered(place, web.read_back(of_one, one.pid))),
        *tasks.read_back(size, read.answer.get("workers", {}), pids),
        *nginx.read_back(read.nginx_version, size, running["nginx"].pid),
        application.pool_row(budget),
    )


def container_rows(container: Container, read: Read) -> tuple[ReadBack, ...]:
    """The limits of one container: as the engine keeps them, and as its own cgroup files have them."""
    inside = parse_inside(docker("exec", container.id, "sh", "-c", ASK_INSIDE))
    return (*rows_of(container, inside, read.share, read.parent), *_outside(container, read))


def _outside(container: Container, read: Read) -> tuple[ReadBack, ...]:
    """Its limits once more, in the files of the cgroup in which its main process is: the parent's count only for what
    is below it. None where those are another machine's."""
    who, cgroup = _name(container), cgroup_of(container.pid, read.cgroup_version)
    if cgroup is None or not cgroup.memory.is_dir():
        return ()
    below = f"/{read.parent.strip('/')}/" if read.parent and container.service != "whisper" else "/"
    held = below in f"{cgroup.memory}/" and below in f"{cgroup.cpu}/"
    rows = [compare(who, "in the stage's cgroup", "yes", "yes" if held else "no", note=cgroup.memory.as_posix())]
    if container.service != "whisper":
        memory = read.share.memory_bytes // PAGE_BYTES * PAGE_BYTES
        rows.append(compare(who, "memory, in its cgroup", memory, read_limits(cgroup).memory_bytes, unit="bytes"))
    return tuple(rows) if read.parent else tuple(rows[1:])


def _name(container: Container) -> str:
    return f"container {container.name.partition('-')[2].partition('-')[2] or container.name}"


def rows_of(container: Container, inside: Inside, share: Share, parent: str) -> tuple[ReadBack, ...]:
    """The same, from what was found. The stand-in for an outside service has no limits, for it is none of the stage."""
    who = _name(container)
    rows = [
        compare(who, "read-only file system", "yes", "yes" if container.read_only else "no"),
        compare(who, "somaxconn", SOMAXCONN, inside.somaxconn),
        recorded(who, "user", container.user),
    ]
    if container.service == "whisper":
        return (*rows, recorded(who, "limits", "none: not a part of the stage"))
    memory = share.memory_bytes // PAGE_BYTES * PAGE_BYTES
    cores = "none of its own" if parent else f"{share.cpu_cores:g} CPU"
    return (
        *rows,
        compare(who, "memory", format_quantity(share.memory_bytes, Unit.BYTES), _bytes(container.memory_bytes)),
        compare(who, "memory, from inside", memory, inside.memory_bytes, unit="bytes"),
        compare(who, "CPU quota", cores, _cores(container.cpu_cores)),
        compare(who, "CPU quota, from inside", cores, _cores(inside.cpu_cores)),
        compare(who, "cgroup parent", parent or "the engine's", container.cgroup_parent or "the engine's"),
    )


def _bytes(value: int) -> str:
    return format_quantity(value, Unit.BYTES) if value else "no limit"


def _cores(value: float | None) -> str:
    return "none of its own" if value is None else f"{value:g} CPU"
