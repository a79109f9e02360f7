"""What becomes of an uploaded file, as a Celery task: the product's own processing, and telling the owner."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task
from sqlalchemy import bindparam, func, update
from sqlalchemy.exc import DBAPIError

from refapp.db import connect
from refapp.products import product
from refapp.sockets import tell_user
from refapp.uploads.ffmpeg import ProcessError
from refapp.uploads.tables import uploads

MAX_ATTEMPTS = 3
"""How often a file is begun: one that kills its worker (out of memory, say) must not kill them all, one by one."""

_THIS = uploads.c.client_id == bindparam("this")
_BEGIN = (
    update(uploads)
    .where(_THIS, uploads.c.status.in_(("queued", "processing")))
    .values(
        status="processing",
        attempts=uploads.c.attempts + 1,
        started_at=func.coalesce(uploads.c.started_at, func.clock_timestamp()),
    )
    .returning(uploads.c.user_id, uploads.c.path, uploads.c.attempts)
)
_END = (
    update(uploads)
    .where(_THIS)
    .values(
        status=bindparam("outcome"),
        finished_at=func.clock_timestamp(),
        result_path=bindparam("result"),
        error=bindparam("problem"),
    )
)


# Acknowledged late: a job can be begun again from the start, so a worker that dies gives its job to another instead of
# losing it. A database that is away for a while delays the job and does not lose it either.
@shared_task(
    name="refapp.process",
    acks_late=True,
    reject_on_worker_lost=True,
    autoretry_for=(DBAPIError,),
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=8,
)
def process(client_id: str) -> None:
    """Process one upload and tell its owner."""
    with connect() as connection:
        begun = connection.execute(_BEGIN, {"this": client_id}).one_or_none()
    if begun is None:  # ended already: the message came twice
        return
    result, problem = None, None
    try:
        if begun.attempts > MAX_ATTEMPTS:
            raise ProcessError(f"given up after {MAX_ATTEMPTS} attempts")
        result = str(product().process(Path(begun.path)))
    except ProcessError as error:
        problem = str(error)
    outcome = "failed" if problem else "finished"
    with connect() as connection:
        connection.execute(_END, {"this": client_id, "outcome": outcome, "result": result, "problem": problem})
    tell_user(begun.user_id, "job", {"client_id": client_id, "status": outcome})
