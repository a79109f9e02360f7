from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.catalog import SAMPLERS, make_samplers
from harness.samplers.targets import Cgroup, Targets

EVERYTHING = Targets(
    cgroup=Cgroup(2, Path("/x"), Path("/x"), Path("/x")),
    postgres_dsn="postgresql://lectio:hunter2@127.0.0.1:1/lectio",
    replica_dsn="postgresql://lectio:hunter2@127.0.0.1:2/lectio",
    pgbouncer_dsn="postgresql://stats:hunter2@127.0.0.1:1/pgbouncer",
    redis_url="redis://:hunter2@127.0.0.1:1/0",
    celery_broker_url="redis://:hunter2@127.0.0.1:1/0",
    celery_queues=("default",),
    data_paths=(Path("/nowhere"),),
    gunicorn_pids=(1,),
    application_metrics_urls=("http://127.0.0.1:1/metrics",),
    nginx_status_url="http://127.0.0.1:1/nginx_status",
)


def test_with_every_target_every_sampler_is_made_and_nothing_is_connected() -> None:
    samplers = make_samplers(EVERYTHING)
    assert [sampler.source for sampler in samplers] == [
        "host",
        "stack",
        "storage",
        "postgres",
        "replica",
        "pgbouncer",
        "redis",
        "celery",
        "gunicorn",
        "application",
        "nginx",
    ]
    assert len(samplers) == len(SAMPLERS)
    for sampler in samplers:
        sampler.close()


def test_without_targets_there_is_the_host_alone() -> None:
    assert [sampler.source for sampler in make_samplers(Targets())] == ["host"]


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in repr(EVERYTHING)


@pytest.mark.parametrize("url", ["https://127.0.0.1/metrics", "metrics", "http:///metrics"])
def test_a_url_that_no_sampler_can_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        make_samplers(Targets(nginx_status_url=url))
