"""What all servers share: the clock, waiting until a moment, the log, and the numbers that they tell."""

from __future__ import annotations

import asyncio
import select
import selectors
import time
from collections.abc import Callable

from aiohttp import web

from harness.oracle.log import Log, Served
from harness.oracle.metrics import Meter, nginx_text, prometheus_text

clock: Callable[[], float] = time.monotonic
"""CLOCK_MONOTONIC, as the event loop's own."""


class PreciseSelector(selectors.EpollSelector):
    """Waits as long as it was told.

    Python's epoll rounds every timeout up to a whole millisecond, which would add half of one to each service time;
    ``select`` on the one descriptor of epoll itself takes microseconds.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As its base class's."""
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], (), (), timeout)
            timeout = 0
        return super().select(timeout)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop with exact timers."""
    return asyncio.SelectorEventLoop(PreciseSelector())


async def sleep_until(at_seconds: float) -> None:
    """Wait for a moment of CLOCK_MONOTONIC: an absolute one, so that being late once makes nothing else late."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    timer = loop.call_at(at_seconds, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


class Site:
    """One running server's log and numbers."""

    def __init__(self, log: Log, meter: Meter) -> None:
        self.log = log
        self.meter = meter

    def arrived(self) -> float:
        """A request has arrived: now."""
        now = clock()
        self.meter.begin(now)
        return now

    def answered(self, arrival: float, start: float, end: float, status: int = 200) -> None:
        """Its answer is let go now."""
        now = clock()
        self.meter.end(now, now - arrival)
        self.log.add(Served(arrival, start, end, now, status))

    def tell(self, app: web.Application) -> None:
        """Add what monitoring asks for; it is not counted."""

        async def metrics(_: web.Request) -> web.Response:
            return web.Response(text=prometheus_text(self.meter.told(clock())))

        async def nginx_status(_: web.Request) -> web.Response:
            return web.Response(text=nginx_text(self.meter.told(clock())))

        async def healthz(_: web.Request) -> web.Response:
            return web.json_response({"ok": True})

        app.router.add_get("/metrics", metrics)
        app.router.add_get("/nginx_status", nginx_status)
        app.router.add_get("/healthz", healthz)
