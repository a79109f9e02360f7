from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PlanError
from harness.model.sizing import StackSize
from harness.planning.sizing import SUPERUSER_RESERVED_CONNECTIONS, connection_budget


@given(
    workers=st.integers(1, 40),
    default=st.integers(1, 20),
    heavy=st.integers(0, 20),
    connections=st.integers(1, 1000),
    pooled=st.booleans(),
    clients=st.none() | st.integers(1, 2000),
)
def test_the_application_alone_never_uses_up_the_connections(
    workers: int, default: int, heavy: int, connections: int, pooled: bool, clients: int | None
) -> None:
    size = StackSize(
        cpu_cores=1,
        memory_bytes=1,
        disk_bytes=1,
        gunicorn_workers=workers,
        gunicorn_max_requests=0,
        celery_default_concurrency=default,
        celery_heavy_workers=heavy,
        celery_max_memory_per_child_bytes=1,
        postgres_max_connections=connections,
        postgres_shared_buffers_bytes=1,
        postgres_statement_timeout_seconds=1,
        pgbouncer_pool_size=20 if pooled else None,
        pgbouncer_max_client_connections=clients if pooled else None,
    )
    try:
        budget = connection_budget(size)
    except PlanError:
        limit = connections - SUPERUSER_RESERVED_CONNECTIONS if not pooled else clients
        assert limit is not None and limit < 3 + (default + heavy) * 2 + workers
        return
    assert budget.web_pool_size >= 1
    assert budget.web_max_overflow >= 0
    web = workers * (budget.web_pool_size + budget.web_max_overflow)
    tasks = (default + heavy) * (budget.task_pool_size + budget.task_max_overflow)
    assert budget.most_clients == web + tasks
    if not pooled:
        assert budget.most_clients < connections - SUPERUSER_RESERVED_CONNECTIONS
    elif clients is not None:
        assert budget.most_clients < clients
