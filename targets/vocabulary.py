"""The names that mean something to the harness: what can be bounded, and the figures that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.slo import SloKind
from harness.model.units import Unit


@dataclass(frozen=True, slots=True)
class Sli:
    """What an SLO's bound is written in and how it may be judged; the first kind is taken when the file names none.
    unit: None for a number of the system's own, which is in the unit of its bound."""

    name: str
    unit: Unit | None
    kinds: tuple[SloKind, ...]


SLIS: tuple[Sli, ...] = (
    Sli("http_response_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("request_success_ratio", Unit.RATIO, (SloKind.PROPORTION,)),
    Sli("request_error_ratio", Unit.RATIO, (SloKind.PROPORTION,)),
    Sli("throughput_per_second", Unit.PER_SECOND, (SloKind.THROUGHPUT,)),
    Sli("sockets_held_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("socket_reach_ratio", Unit.RATIO, (SloKind.PROPORTION,)),
    Sli("socket_ack_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("socket_delivery_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("job_end_to_end_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("first_contentful_paint_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("page_load_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("jobs_finished_ratio", Unit.RATIO, (SloKind.PROPORTION, SloKind.COUNT)),
    Sli("stack_cpu_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("stack_memory_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("stack_disk_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("postgres_connections_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("postgres_connections", Unit.COUNT, (SloKind.GAUGE,)),
    Sli("postgres_cache_hit_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("replication_lag_seconds", Unit.SECONDS, (SloKind.GAUGE,)),
    Sli("pool_use_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("redis_memory_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("redis_evictions_per_second", Unit.PER_SECOND, (SloKind.GAUGE,)),
    Sli("redis_hit_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("query_seconds", Unit.SECONDS, (SloKind.QUANTILE,)),
    Sli("cache_hit_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("query_mean_seconds", Unit.SECONDS, (SloKind.GAUGE,)),
    Sli("websocket_connections_ratio", Unit.RATIO, (SloKind.GAUGE,)),
    Sli("application_request_seconds", Unit.SECONDS, (SloKind.GAUGE,)),
    Sli("oom_kills", Unit.COUNT, (SloKind.COUNT,)),
    Sli("lost_writes", Unit.COUNT, (SloKind.COUNT,)),
    Sli("server_crashes", Unit.COUNT, (SloKind.COUNT,)),
    Sli("recovery_seconds", Unit.SECONDS, (SloKind.COUNT,)),
)
"""What can be bounded."""

METRIC_PREFIX = "metric."
"""How the SLIs begin that a file names itself, in [metrics]."""
_SLI_BY_NAME = {sli.name: sli for sli in SLIS}


def find_sli(name: str) -> Sli | None:
    """The SLI of that name; of a metric one too, whether or not [metrics] has it."""
    if name.startswith(METRIC_PREFIX):
        return Sli(name, None, (SloKind.GAUGE,))
    return _SLI_BY_NAME.get(name)


KNOWN_FIGURES: Mapping[str, Unit] = {
    "vcpu": Unit.CORES,
    "memory": Unit.BYTES,
    "disk_app": Unit.BYTES,
    "disk_db": Unit.BYTES,
    "iops": Unit.PER_SECOND,
    "gunicorn_workers": Unit.COUNT,
    "gunicorn_max_requests": Unit.COUNT,
    "gunicorn_worker_connections": Unit.COUNT,
    "gunicorn_timeout": Unit.SECONDS,
    "gunicorn_keepalive": Unit.SECONDS,
    "celery_default_workers": Unit.COUNT,
    "celery_heavy_workers": Unit.COUNT,
    "celery_max_memory_per_child": Unit.BYTES,
    "postgres_max_connections": Unit.COUNT,
    "postgres_shared_buffers": Unit.BYTES,
    "statement_timeout": Unit.SECONDS,
    "pgbouncer": Unit.COUNT,
    "pgbouncer_pool_size": Unit.COUNT,
    "pgbouncer_max_client_connections": Unit.COUNT,
    "redis_maxmemory": Unit.BYTES,
    "redis_evicts": Unit.COUNT,
    "compression": Unit.COUNT,
    "app_servers": Unit.COUNT,
    "read_replicas": Unit.COUNT,
    "db_pool_size": Unit.COUNT,
    "db_max_overflow": Unit.COUNT,
    "normal_rps": Unit.PER_SECOND,
    "peak_rps": Unit.PER_SECOND,
    "normal_users": Unit.COUNT,
    "concurrent_users": Unit.COUNT,
    "websocket_capacity": Unit.COUNT,
    "room_size": Unit.COUNT,
    "message_rate_per_user": Unit.PER_SECOND,
    "upload_rate": Unit.PER_SECOND,
    "upload_size": Unit.BYTES,
    "normal_upload_rate": Unit.PER_SECOND,
    "proof_factor": Unit.COUNT,
    "think_time": Unit.SECONDS,
    "request_timeout": Unit.SECONDS,
}
"""Figures that the harness itself reads, and their units. A file may name any others."""
