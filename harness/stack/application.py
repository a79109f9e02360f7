"""What the reference application is told, however its servers are started; docker/app/README.md names the variables."""

from __future__ import annotations

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.planning.sizing import Audience, ConnectionBudget
from harness.stack.readback import recorded


def environment(size: StackSize, audience: Audience, *, whisper_url: str, pooled: bool) -> dict[str, str]:
    """What does not depend on where it runs. pooled: its connections go through PgBouncer."""
    return dict(size.application) | {
        "PRODUCT": audience.product,
        "WHISPER_URL": whisper_url,
        "HEAVY_QUEUE": "1" if size.celery_heavy_workers else "0",
        "DB_TRANSACTION_POOLING": "1" if pooled else "0",
    }


def web_pool(budget: ConnectionBudget) -> dict[str, str]:
    """SQLAlchemy's pool of a web process."""
    return {"DB_POOL_SIZE": str(budget.web_pool_size), "DB_MAX_OVERFLOW": str(budget.web_max_overflow)}


def task_pool(budget: ConnectionBudget) -> dict[str, str]:
    """SQLAlchemy's pool of a Celery process."""
    return {"DB_POOL_SIZE": str(budget.task_pool_size), "DB_MAX_OVERFLOW": str(budget.task_max_overflow)}


def seed_arguments(audience: Audience, seed: int) -> tuple[str, ...]:
    """Of ``refapp.seed``."""
    people = (word for name, count in audience.people for word in ("--people", f"{name}={count}"))
    return (*people, "--seed", str(seed))


def pool_row(budget: ConnectionBudget) -> ReadBack:
    """The pools, as they were told."""
    return recorded(
        "application",
        "database pool",
        f"{budget.web_pool_size} + {budget.web_max_overflow} each",
        note=f"assumed, since the plan names none; at most {budget.most_clients} in all",
    )
