"""Work outside of requests: the Celery application, for ``celery -A refapp.tasks``."""

from __future__ import annotations

import time
from typing import Any

from celery import Celery
from celery.signals import before_task_publish

from refapp.config import settings
from refapp.products import product

HEAVY = ("refapp.process", *product().heavy_tasks)
"""Whatever takes a core for seconds."""

celery = Celery("refapp")
celery.conf.update(
    broker_url=settings().redis_url,
    broker_connection_retry_on_startup=True,
    # A broker that hangs must fail a request, not hold it.
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5, "visibility_timeout": 3600},
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1},
    include=["refapp.uploads.work", *product().tasks],
    task_default_queue="default",
    task_routes={name: {"queue": "heavy"} for name in HEAVY} if settings().heavy_queue else {},
    task_ignore_result=True,
    # Tasks stay in the queue until a process is free to run them: what was fetched ahead would show as no depth.
    worker_prefetch_multiplier=1,
)
# Tasks are published from greenlets, and Celery's current application is kept per thread, that is per greenlet.
celery.set_default()


@before_task_publish.connect
def _stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Redis keeps no time with a message, and the age of the oldest one is what a queue is judged by."""
    if headers is not None:
        headers["enqueued_at"] = time.time()
