"""From the figures of a stage to the sizes of its servers, and how many database connections each process may hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.errors import PlanError
from harness.model.sizing import StackSize
from harness.model.target import CapacityTarget, Stage
from harness.model.units import Unit

REQUIRED_FIGURES = (
    "vcpu",
    "memory",
    "disk_app",
    "disk_db",
    "gunicorn_workers",
    "gunicorn_max_requests",
    "celery_default_workers",
    "celery_max_memory_per_child",
    "postgres_max_connections",
    "postgres_shared_buffers",
    "statement_timeout",
)
PGBOUNCER_DEFAULT_POOL_SIZE = 20
"""PgBouncer's own default_pool_size, when the plan requires PgBouncer and names no size."""

SUPERUSER_RESERVED_CONNECTIONS = 3
"""PostgreSQL's own default of superuser_reserved_connections: the samplers keep seeing when the application has taken
every other one."""
SPARE_CONNECTIONS = 3
"""For a person with psql, the reconciliation, and sessions that are just ending."""
LARGEST_POOL = 15
"""SQLAlchemy's own default for one process: pool_size 5 + max_overflow 10."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Which product the reference application stands in for, and how many people of each kind its database is seeded
    with, by the plan's own words for them."""

    product: str
    people: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.people)


def size_of(stage: Stage) -> StackSize:
    """The size that the stage's figures ask for. Raises PlanError that names every figure that is missing."""
    names = {figure.name for figure in stage.figures}
    missing = [name for name in REQUIRED_FIGURES if name not in names]
    if missing:
        raise PlanError(
            f"stage {stage.name} cannot be sized: it lacks {', '.join(missing)}",
            f"stage {stage.name} › sizing",
            "add the figures to the system's TOML file",
        )
    pooled = stage.value("pgbouncer", 1 if "pgbouncer_pool_size" in names else 0) > 0
    most_clients = int(stage.value("pgbouncer_max_client_connections", 0))
    maxmemory = int(stage.value("redis_maxmemory", 0))
    return StackSize(
        cpu_cores=stage.value("vcpu"),
        memory_bytes=int(stage.value("memory")),
        disk_bytes=int(stage.value("disk_app") + stage.value("disk_db")),
        gunicorn_workers=int(stage.value("gunicorn_workers")),
        gunicorn_max_requests=int(stage.value("gunicorn_max_requests")),
        celery_default_concurrency=int(stage.value("celery_default_workers")),
        celery_heavy_workers=int(stage.value("celery_heavy_workers", 0)),
        celery_max_memory_per_child_bytes=int(stage.value("celery_max_memory_per_child")),
        postgres_max_connections=int(stage.value("postgres_max_connections")),
        postgres_shared_buffers_bytes=int(stage.value("postgres_shared_buffers")),
        postgres_statement_timeout_seconds=stage.value("statement_timeout"),
        pgbouncer_pool_size=int(stage.value("pgbouncer_pool_size", PGBOUNCER_DEFAULT_POOL_SIZE)) if pooled else None,
        pgbouncer_max_client_connections=most_clients or None,
        redis_maxmemory_bytes=maxmemory or None,
        redis_evicts=stage.value("redis_evicts", 0) > 0,
        db_pool_size=_whole(stage, "db_pool_size"),
        db_max_overflow=_whole(stage, "db_max_overflow"),
        gunicorn_worker_connections=_whole(stage, "gunicorn_worker_connections"),
        gunicorn_timeout_seconds=stage.value("gunicorn_timeout", 0.0) or None,
        gunicorn_keepalive_seconds=stage.value("gunicorn_keepalive", 0.0) or None,
        compression=stage.value("compression", 0.0) > 0,
        app_servers=max(1, int(stage.value("app_servers", 1))),
        read_replicas=int(stage.value("read_replicas", 0)),
        application=tuple((figure.name.upper(), f"{figure.value:.15g}") for figure in stage.application),
    )


def as_started(size: StackSize) -> tuple[StackSize, tuple[str, ...]]:
    """The size as it is started, with as many workers on each application server and at most one replica, and what that
    changes, a sentence each."""
    servers = min(size.app_servers, size.gunicorn_workers)
    deviations = []
    if size.read_replicas > 1:
        deviations.append(f"1 read replica for {size.read_replicas}: one stands in for all of them")
    size = replace(size, app_servers=servers, read_replicas=min(1, size.read_replicas))
    each = workers_of_each_server(size)
    if each * servers != size.gunicorn_workers:
        deviations.append(
            f"{each * servers} gunicorn workers for {size.gunicorn_workers}: {each} on each of {servers} servers"
        )
    return replace(size, gunicorn_workers=each * servers), tuple(deviations)


def workers_of_each_server(size: StackSize) -> int:
    """gunicorn workers on each application server; rounded up, so that all servers are alike."""
    return math.ceil(size.gunicorn_workers / size.app_servers)


def _whole(stage: Stage, name: str) -> int | None:
    """A figure that may be 0 and may be left out."""
    value = stage.value(name, -1.0)
    return None if value < 0 else int(value)


def audience_of(target: CapacityTarget, stage: Stage) -> Audience:
    """The people that the stage is for. Raises PlanError when the plan counts nobody."""
    people = tuple(
        (figure.name, int(figure.top)) for figure in stage.audience if figure.unit is Unit.COUNT and figure.top >= 1
    )
    if not people:
        raise PlanError(f"stage {stage.name} does not say how many people it is for", f"stage {stage.name} › audience")
    return Audience(target.product, people)


@dataclass(frozen=True, slots=True)
class ConnectionBudget:
    """SQLAlchemy's pool in each process, and how many connections all of them open at most.

    A web process has a pool for each server that it speaks to: where there is a replica, one of that size for it too.
    Through PgBouncer those are its clients as well, and count.
    """

    web_pool_size: int
    web_max_overflow: int
    task_pool_size: int
    task_max_overflow: int
    most_clients: int


def connection_budget(size: StackSize) -> ConnectionBudget:
    """Share out the connections so that the application alone can never use them up.

    A Celery child does one task at a time: one connection, and one more for a moment's overlap (its parent opens none).
    The web workers share what is left after those, the connections that PostgreSQL keeps for superusers, and a spare
    few; none gets more than SQLAlchemy's own default of 15. Half of a worker's share stays open, half is overflow.
    Behind PgBouncer the same holds for PgBouncer's clients, where the plan limits them; otherwise each worker gets
    SQLAlchemy's default, since waiting for a server connection is then PgBouncer's job.
    Where the plan sizes the pool itself, each web process gets that, whether or not all of them fit: it is the plan's
    own arithmetic that is to be proven. A replica has connections of its own, as many as the primary; PgBouncer's
    clients are shared by the pools of both.

    Raises PlanError when not even one connection a worker fits.
    """
    task_pool, task_overflow = 1, 1
    pools = 2 if size.read_replicas and size.pgbouncer_pool_size is not None else 1
    tasks = (size.celery_default_concurrency + size.celery_heavy_workers) * (task_pool + task_overflow)
    if size.db_pool_size is not None:
        overflow = size.db_max_overflow or 0
        most = size.gunicorn_workers * pools * (size.db_pool_size + overflow) + tasks
        return ConnectionBudget(size.db_pool_size, overflow, task_pool, task_overflow, most)
    if size.pgbouncer_pool_size is None:
        available = size.postgres_max_connections - SUPERUSER_RESERVED_CONNECTIONS - SPARE_CONNECTIONS
    elif size.pgbouncer_max_client_connections is not None:
        available = size.pgbouncer_max_client_connections - SPARE_CONNECTIONS
    else:
        available = tasks + LARGEST_POOL * size.gunicorn_workers * pools
    share = min((available - tasks) // (size.gunicorn_workers * pools), LARGEST_POOL)
    if share < 1:
        raise PlanError(
            f"{available} database connections are not enough for {size.gunicorn_workers} gunicorn workers"
            f" and {tasks} of Celery's",
            "postgres_max_connections",
            "fewer workers, more connections, or PgBouncer",
        )
    pool = (share + 1) // 2
    return ConnectionBudget(pool, share - pool, task_pool, task_overflow, share * size.gunicorn_workers * pools + tasks)
