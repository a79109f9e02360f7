"""Servers that answer whatever they are asked: when and how is all that matters."""

from __future__ import annotations

import asyncio
from random import Random

from aiohttp import web

from harness.oracle.behaviours import Parameters
from harness.oracle.sharing import SharedServer, Usl
from harness.oracle.site import Site, clock, sleep_until


def answer_by_fate(app: web.Application, parameters: Parameters, random: Random, site: Site) -> None:
    """Every method and path: the fate is known at the arrival, then it is slept through."""
    behaviour = parameters.behaviour(random)
    kept: list[bytes] = []

    async def answer(_: web.Request) -> web.Response:
        arrival = site.arrived()
        fate = behaviour(arrival)
        if fate.keep_bytes:
            kept.append(b"\x01" * fate.keep_bytes)  # written to, so that the kernel has to give real memory
        await sleep_until(fate.end_seconds)
        site.answered(arrival, fate.start_seconds, fate.end_seconds, fate.status)
        return web.json_response({"service_seconds": fate.service_seconds}, status=fate.status)

    app.router.add_route("*", "/{path:.*}", answer)


def answer_by_sharing(app: web.Application, parameters: Usl, random: Random, site: Site) -> None:
    """Every method and path, by a server whose pace depends on how many it holds."""
    shared = _Shared(parameters, site)

    async def answer(_: web.Request) -> web.Response:
        return await shared.answer()

    app.router.add_route("*", "/{path:.*}", answer)


class _Shared:
    """Keeps one timer, for the next request that will be done."""

    def __init__(self, law: Usl, site: Site) -> None:
        self._server = SharedServer(law)
        self._site = site
        self._waiting: dict[int, asyncio.Future[web.Response]] = {}
        self._last_key = 0
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self) -> web.Response:
        arrival = self._site.arrived()
        self._last_key += 1
        done: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()
        self._waiting[self._last_key] = done
        self._finish(arrival)
        self._server.arrive(self._last_key, arrival)
        self._set_timer()
        return await done

    def _finish(self, now: float) -> None:
        for gone in self._server.finish(now):
            done = self._waiting.pop(gone.key)
            self._site.answered(gone.arrival_seconds, gone.start_seconds, gone.end_seconds)
            if not done.done():
                done.set_result(web.json_response({"service_seconds": gone.end_seconds - gone.start_seconds}))

    def _tick(self) -> None:
        self._finish(clock())
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        end = self._server.next_end()
        self._timer = None if end is None else asyncio.get_running_loop().call_at(end, self._tick)
