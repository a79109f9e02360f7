"""What the samplers of a run look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.target import Metric


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Folders of the stack's control group. v1: one for each controller; v2: three times the same.

    cpu: cpu.stat (throttling). cpu_usage: cpuacct.usage (v1) or cpu.stat (v2). memory: memory.*
    parts: the cgroups below it that hold its processes, where it holds none itself: those of containers.
    """

    version: int
    cpu: Path
    cpu_usage: Path
    memory: Path
    parts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where each server is and how large the stage wants it. A server that is None (or empty) is not sampled.

    vcpu, memory_bytes, disk_bytes: the stage's size, which the stack's use is compared with.
    data_paths: folders of the stack's data; the first one names the file system whose fullness counts.
    cgroup: the control group of all servers. process_ids: their main processes, looked at (with all that they
    have started) where there is no control group.
    postgres_dsn: PostgreSQL itself (not through PgBouncer), database of the application, as a role that may read
    statistics (``pg_monitor`` or a superuser). replica_dsn: the same of a server that follows it.
    pgbouncer_dsn: the admin console, database ``pgbouncer``, as one of its ``stats_users``.
    celery_queues: names of the queues on ``celery_broker_url``. celery_slots: tasks that each
    queue's workers can do at once, where that is known.
    gunicorn_pids: its arbiter, of each application server. gunicorn_ports: the TCP port of each, if they listen on one.
    application_metrics_urls (of each application server), nginx_status_url: http only.
    metrics: of the system's own, by name. metrics_urls: their addresses, by the environment variable that names them.
    """

    vcpu: float | None = None
    memory_bytes: float | None = None
    disk_bytes: float | None = None
    data_paths: tuple[Path, ...] = ()
    cgroup: Cgroup | None = None
    process_ids: tuple[int, ...] = ()
    postgres_dsn: str | None = field(default=None, repr=False)
    replica_dsn: str | None = field(default=None, repr=False)
    pgbouncer_dsn: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    celery_broker_url: str | None = field(default=None, repr=False)
    celery_queues: tuple[str, ...] = ()
    celery_slots: Mapping[str, int] = field(default_factory=dict)
    gunicorn_pids: tuple[int, ...] = ()
    gunicorn_ports: tuple[int, ...] = ()
    application_metrics_urls: tuple[str, ...] = ()
    nginx_status_url: str | None = None
    metrics: tuple[Metric, ...] = ()
    metrics_urls: tuple[tuple[str, str], ...] = field(default=(), repr=False)
