"""Every sampler, and which of them a run gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.samplers import (
    celery,
    cgroup,
    gunicorn,
    host,
    metrics,
    nginx,
    pgbouncer,
    postgres,
    prometheus,
    redis_server,
    storage,
)
from harness.samplers.base import Sampler
from harness.samplers.targets import Targets

Factory = Callable[[Targets], Sampler[Any] | None]
"""Makes a sampler, or None when the run has nothing for it to look at. Connects to nothing."""

SAMPLERS: tuple[Factory, ...] = (
    host.from_targets,
    cgroup.from_targets,
    storage.from_targets,
    postgres.from_targets,
    postgres.replica_from_targets,
    pgbouncer.from_targets,
    redis_server.from_targets,
    celery.from_targets,
    gunicorn.from_targets,
    prometheus.from_targets,
    nginx.from_targets,
)


def make_samplers(targets: Targets) -> tuple[Sampler[Any], ...]:
    """The samplers of a run. Raises ValueError for a URL that no sampler can use."""
    made = (factory(targets) for factory in SAMPLERS)
    return (*(sampler for sampler in made if sampler is not None), *metrics.from_targets(targets))
