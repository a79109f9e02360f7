"""The size of a stack, as the stage of a plan states it, in the terms of the servers that are started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StackSize:
    """What each server is started with and what is read back from it.

    Sizes in bytes, times in seconds. None means that the plan says nothing and the server's own default holds.
    celery_heavy_workers: 0 means no heavy queue: every task goes to the default queue (stage A).
    pgbouncer_pool_size: None means that the application connects to PostgreSQL directly (stage A).
    redis_evicts: a full Redis drops keys that expire anyway, the least recently used first, instead of refusing writes.
    db_pool_size, db_max_overflow: SQLAlchemy's pool of one web process; None: shared out by the connection budget.
    compression: whether nginx compresses responses.
    app_servers: machines that the gunicorn workers are spread over. read_replicas: servers that follow the database and
    take the reads that may lag.
    application: further environment variables of the application and their values.
    """

    cpu_cores: float
    memory_bytes: int
    disk_bytes: int
    gunicorn_workers: int
    gunicorn_max_requests: int
    celery_default_concurrency: int
    celery_heavy_workers: int
    celery_max_memory_per_child_bytes: int
    postgres_max_connections: int
    postgres_shared_buffers_bytes: int
    postgres_statement_timeout_seconds: float
    pgbouncer_pool_size: int | None = None
    pgbouncer_max_client_connections: int | None = None
    redis_maxmemory_bytes: int | None = None
    redis_evicts: bool = False
    db_pool_size: int | None = None
    db_max_overflow: int | None = None
    gunicorn_worker_connections: int | None = None
    gunicorn_timeout_seconds: float | None = None
    gunicorn_keepalive_seconds: float | None = None
    compression: bool = False
    app_servers: int = 1
    read_replicas: int = 0
    application: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in (
            "cpu_cores",
            "memory_bytes",
            "gunicorn_workers",
            "celery_default_concurrency",
            "postgres_max_connections",
            "postgres_shared_buffers_bytes",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
