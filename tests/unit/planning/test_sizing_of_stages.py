from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import PlanError
from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.sizing import StackSize
from harness.model.target import CapacityTarget, Stage
from harness.model.units import Unit
from harness.planning.sizing import Audience, ConnectionBudget, as_started, audience_of, connection_budget, size_of

GIB = 1024**3
CITATION = Citation("plan.md", "Stage A")
STAGE_A = {
    "vcpu": 2,
    "memory": 4 * GIB,
    "disk_app": 50 * GIB,
    "disk_db": 100 * GIB,
    "gunicorn_workers": 3,
    "gunicorn_max_requests": 1000,
    "celery_default_workers": 2,
    "celery_heavy_workers": 0,
    "celery_max_memory_per_child": 512 * 1024**2,
    "postgres_max_connections": 50,
    "postgres_shared_buffers": GIB,
    "statement_timeout": 30,
    "pgbouncer": 0,
}


def stage_of(figures: dict[str, float], audience: dict[str, float] | None = None) -> Stage:
    def made(values: dict[str, float]) -> tuple[Figure, ...]:
        return tuple(Figure(name, value, Unit.COUNT, Provenance.STATED, CITATION) for name, value in values.items())

    return Stage(
        name="A",
        title="",
        audience=made(audience or {}),
        server=(),
        sizing=made(figures),
        load=(),
        costs=(),
        bottleneck=Statement("", CITATION),
        migration=(),
        recommendations=(),
        slos=(),
        citation=CITATION,
    )


SIZE_A = StackSize(
    cpu_cores=2,
    memory_bytes=4 * GIB,
    disk_bytes=150 * GIB,
    gunicorn_workers=3,
    gunicorn_max_requests=1000,
    celery_default_concurrency=2,
    celery_heavy_workers=0,
    celery_max_memory_per_child_bytes=512 * 1024**2,
    postgres_max_connections=50,
    postgres_shared_buffers_bytes=GIB,
    postgres_statement_timeout_seconds=30,
)


def test_stage_a_connects_directly_and_has_no_heavy_queue() -> None:
    assert size_of(stage_of(STAGE_A)) == SIZE_A


@pytest.mark.parametrize(
    ("figures", "pool"),
    [
        ({"pgbouncer": 1, "pgbouncer_pool_size": 40}, 40),
        ({"pgbouncer": 1}, 20),
        ({"pgbouncer": 0, "pgbouncer_pool_size": 40}, None),
        ({}, None),
    ],
)
def test_pgbouncer_is_there_when_the_plan_requires_it(figures: dict[str, float], pool: int | None) -> None:
    assert size_of(stage_of(STAGE_A | figures)).pgbouncer_pool_size == pool


def test_every_missing_figure_is_named_at_once() -> None:
    figures = {name: value for name, value in STAGE_A.items() if name not in ("memory", "statement_timeout")}
    with pytest.raises(PlanError, match="memory, statement_timeout"):
        size_of(stage_of(figures))


def test_the_audience_is_the_plans() -> None:
    target = CapacityTarget("mine", "Mine", "plan.md", "flows.py", (), (), (), product="lectio")
    found = audience_of(target, stage_of({}, {"teachers": 300, "students": 3000}))
    assert found == Audience("lectio", (("teachers", 300), ("students", 3000)))
    assert str(found) == "300 teachers, 3,000 students"
    with pytest.raises(PlanError, match="how many people"):
        audience_of(target, stage_of({}, {}))


def test_stage_a_shares_its_fifty_connections() -> None:
    # 50 − 3 reserved − 3 spare − 2 children × 2 = 40 for 3 workers: 13 each, 7 kept open.
    assert connection_budget(SIZE_A) == ConnectionBudget(7, 6, 1, 1, most_clients=43)


def test_behind_pgbouncer_a_worker_has_sqlalchemys_own_default() -> None:
    size = replace(SIZE_A, gunicorn_workers=5, celery_heavy_workers=1, pgbouncer_pool_size=40)
    assert connection_budget(size) == ConnectionBudget(8, 7, 1, 1, most_clients=5 * 15 + 3 * 2)


def test_a_limit_on_pgbouncers_clients_is_kept() -> None:
    size = replace(SIZE_A, pgbouncer_pool_size=40, pgbouncer_max_client_connections=20)
    # 20 − 3 spare − 2 × 2 = 13 for 3 workers: 4 each.
    assert connection_budget(size) == ConnectionBudget(2, 2, 1, 1, most_clients=16)


def test_too_few_connections_for_one_each_is_a_mistake_of_the_plan() -> None:
    with pytest.raises(PlanError, match="6 database connections are not enough for 3 gunicorn workers and 4"):
        connection_budget(replace(SIZE_A, postgres_max_connections=12))


def test_the_plan_s_own_pool_is_taken_as_it_is_whether_or_not_it_fits() -> None:
    size = size_of(stage_of(STAGE_A | {"db_pool_size": 30, "db_max_overflow": 90}))
    assert (size.db_pool_size, size.db_max_overflow) == (30, 90)
    # 3 workers × (30 + 90), and 2 tasks × 2
    assert connection_budget(size) == ConnectionBudget(30, 90, 1, 1, 364)
    assert size_of(stage_of(STAGE_A | {"db_pool_size": 10, "db_max_overflow": 0})).db_max_overflow == 0
    assert size_of(stage_of(STAGE_A)).db_pool_size is None


def test_what_gunicorn_and_the_application_are_told() -> None:
    figures = {"gunicorn_worker_connections": 1000, "gunicorn_timeout": 120, "gunicorn_keepalive": 5}
    stage = stage_of(STAGE_A | figures)
    told = Figure("cache_ttl_list", 60.0, Unit.SECONDS, Provenance.STATED, CITATION)
    share = Figure("sample_rate", 0.1, Unit.RATIO, Provenance.STATED, CITATION)
    size = size_of(replace(stage, application=(told, share)))
    assert (size.gunicorn_worker_connections, size.gunicorn_timeout_seconds, size.gunicorn_keepalive_seconds) == (
        1000,
        120,
        5,
    )
    assert size.application == (("CACHE_TTL_LIST", "60"), ("SAMPLE_RATE", "0.1"))
    assert size_of(stage_of(STAGE_A)).gunicorn_timeout_seconds is None


def test_a_replica_has_pools_of_its_own_which_count_among_pgbouncers_clients() -> None:
    direct = replace(SIZE_A, read_replicas=1)
    assert connection_budget(direct) == connection_budget(SIZE_A), "the replica has as many connections as the primary"
    pooled = replace(SIZE_A, pgbouncer_pool_size=20, pgbouncer_max_client_connections=100)
    tasks = 2 * (pooled.celery_default_concurrency + pooled.celery_heavy_workers)
    alone, both = connection_budget(pooled), connection_budget(replace(pooled, read_replicas=1))
    assert alone.web_pool_size + alone.web_max_overflow == 15
    assert both.web_pool_size + both.web_max_overflow == 15
    assert both.most_clients == 2 * 15 * pooled.gunicorn_workers + tasks
    few = connection_budget(replace(pooled, read_replicas=1, pgbouncer_max_client_connections=40))
    assert few.most_clients <= 40


def test_what_is_started_is_alike_on_each_server_and_says_what_that_changes() -> None:
    size, said = as_started(replace(SIZE_A, gunicorn_workers=45, app_servers=2, read_replicas=2))
    assert (size.gunicorn_workers, size.app_servers, size.read_replicas) == (46, 2, 1)
    assert said == (
        "1 read replica for 2: one stands in for all of them",
        "46 gunicorn workers for 45: 23 on each of 2 servers",
    )
    assert as_started(SIZE_A) == (SIZE_A, ())
