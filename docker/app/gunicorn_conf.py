"""gunicorn's settings and hooks; what depends on the stage (bind, workers…) comes from the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

worker_class = "gevent"
worker_connections = 2000  # sockets are held, and do not spread evenly over the workers
keepalive = 75  # seconds; longer than nginx keeps an idle connection, or nginx sends into one that is being closed
graceful_timeout = 10  # seconds
control_socket_disable = True  # its path is fixed in the home folder, where two runs would meet


def on_starting(_server: Any) -> None:
    """Forget the metrics of an earlier start."""
    metrics = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    metrics.mkdir(parents=True, exist_ok=True)
    for stale in metrics.glob("*.db"):
        stale.unlink()


def post_worker_init(worker: Any) -> None:
    """The worker has patched the standard library and imported the application."""
    import gevent
    from refapp.worker import attend

    gevent.spawn(attend, worker)


def child_exit(_server: Any, worker: Any) -> None:
    """What a dead worker had under way is under way no more."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
