"""What runs beside the requests in every gunicorn worker."""

from __future__ import annotations

from time import monotonic
from typing import Any

import gevent

from refapp.metrics import HUB_LAG_SECONDS
from refapp.sockets import drop_sockets, listen

_TICK_SECONDS = 0.25
_TICKS = 4


def attend(worker: Any) -> None:
    """Hear the other workers, publish how late the event loop runs, and cut the sockets of a worker to be replaced.

    A worker that has served its ``max_requests`` accepts nothing more and waits for what is under way. A socket is
    under way for hours: if they were kept, the stage would be a worker short for the whole ``graceful_timeout``.
    """
    listen()
    worst = [0.0] * _TICKS
    tick = 0
    while True:
        before = monotonic()
        gevent.sleep(_TICK_SECONDS)
        worst[tick % _TICKS] = max(0.0, monotonic() - before - _TICK_SECONDS)
        tick += 1
        HUB_LAG_SECONDS.set(max(worst))
        if not worker.alive:
            drop_sockets()
