"""What a running stack offers to those who load it and watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.run import ReadBack
from harness.stack.limits import CgroupPaths


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses and places. None: there is no such thing, or nobody said where.

    postgres_dsn: of a superuser, whose connections PostgreSQL reserves: it can look when everyone else must wait.
    replica_dsn: of a superuser of the server that follows it.
    pgbouncer_admin_dsn: PgBouncer's console; simple queries only, autocommit. metrics_urls: gunicorn's own port,
    of each application server. gunicorn_pids: of their main processes. gunicorn_ports: of each, as it sees it.
    process_ids: each server's main process; the others descend from these.
    data_paths: folders whose size is the stack's disk use.
    """

    base_url: str
    postgres_dsn: str | None = field(default=None, repr=False)  # holds a password
    replica_dsn: str | None = field(default=None, repr=False)  # holds a password
    pgbouncer_admin_dsn: str | None = field(default=None, repr=False)  # holds a password
    redis_url: str | None = field(default=None, repr=False)  # holds a password
    nginx_status_url: str | None = None
    metrics_urls: tuple[str, ...] = ()
    gunicorn_pids: tuple[int, ...] = ()
    gunicorn_ports: tuple[int, ...] = ()
    celery_queues: tuple[str, ...] = ()
    cgroup: CgroupPaths | None = None
    data_paths: tuple[Path, ...] = ()
    process_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that is up, as the manifest describes it.

    limits: how CPU and memory are enforced ("cgroup v1: 2 CPU, 4 GiB"), or "not enforced: " and why.
    deviations: where the stack differs from the plan, a sentence each. started_seconds: how long the start took.
    """

    endpoints: Endpoints
    read_back: tuple[ReadBack, ...]
    limits: str
    limits_enforced: bool
    versions: Mapping[str, str]
    deviations: tuple[str, ...]
    started_seconds: float = 0.0
