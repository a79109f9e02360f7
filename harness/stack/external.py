"""A system that runs already: nothing is started, and only what its owner names is watched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from harness.errors import ConfigError
from harness.model.target import Metric
from harness.stack.endpoints import Endpoints, Running

POSTGRES = "PROOFLOAD_POSTGRES_DSN"
PGBOUNCER = "PROOFLOAD_PGBOUNCER_DSN"
REDIS = "PROOFLOAD_REDIS_URL"
NGINX_STATUS = "PROOFLOAD_NGINX_STATUS_URL"
METRICS = "PROOFLOAD_METRICS_URL"
QUEUES = "PROOFLOAD_CELERY_QUEUES"
SCHEMES = {
    REDIS: ("redis://", "rediss://", "unix://"),
    NGINX_STATUS: ("http://",),
    METRICS: ("http://",),
}
"""How the addresses begin that their samplers can use."""
LIMITS = "not enforced: the system was running already"


def external_endpoints(host: str, environment: Mapping[str, str]) -> Endpoints:
    """The endpoints of ``--host`` and of the environment; from there since they hold passwords.

    Whether the host may be loaded is not judged here. Raises ConfigError when the host is no http(s) URL.
    """
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("the host is no URL", f"--host {host}", "write it as http://127.0.0.1:8000")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigError(
            "the host has a path, and the flows bring their own",
            f"--host {host}",
            f"--host {parts.scheme}://{parts.netloc}",
        )
    for name, schemes in SCHEMES.items():
        value = environment.get(name, "")
        if value and not (value.startswith(schemes) and _has_good_port(value)):
            raise ConfigError(_NO_ADDRESS, name, f"write it as {' or '.join(schemes)} with host and port")
    for name in (POSTGRES, PGBOUNCER):
        if (value := environment.get(name, "")) and not _is_dsn(value):
            raise ConfigError(_NO_ADDRESS, name, "write it as postgresql://user:password@host:port/database")
    return Endpoints(
        base_url=host.rstrip("/"),
        postgres_dsn=environment.get(POSTGRES) or None,
        pgbouncer_admin_dsn=environment.get(PGBOUNCER) or None,
        redis_url=environment.get(REDIS) or None,
        nginx_status_url=environment.get(NGINX_STATUS) or None,
        metrics_urls=(environment[METRICS],) if environment.get(METRICS) else (),
        celery_queues=tuple(name.strip() for name in environment.get(QUEUES, "").split(",") if name.strip()),
    )


def metrics_urls(metrics: Iterable[Metric], environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The addresses of a system's own metrics that the environment names. Raises ConfigError."""
    found = []
    for name in dict.fromkeys(metric.url_variable for metric in metrics):
        url = environment.get(name, "")
        if url and not (url.startswith("http://") and _has_good_port(url) and urlsplit(url).hostname):
            raise ConfigError(_NO_ADDRESS, name, "write it as http:// with host, port and path")
        if url:
            found.append((name, url))
    return tuple(found)


# They may hold a password: whatever is wrong with one, its name is shown and not what it says.
_NO_ADDRESS = "an address of the running system cannot be used"


def _has_good_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _is_dsn(text: str) -> bool:
    try:
        return bool(conninfo_to_dict(text))
    except psycopg.Error:
        return False


class ExternalStack:
    """Behaves like a stack that was started; starts and stops nothing."""

    def __init__(self, host: str, environment: Mapping[str, str] | None = None) -> None:
        self._endpoints = external_endpoints(host, os.environ if environment is None else environment)

    def start(self) -> Running:
        """What is known of the system."""
        return Running(
            endpoints=self._endpoints,
            read_back=(),
            limits=LIMITS,
            limits_enforced=False,
            versions={},
            deviations=("the sizes of a system that was running already are not read back",),
        )

    def stop(self) -> None:
        """Nothing to stop."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
