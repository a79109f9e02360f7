"""Classrooms over Socket.IO, with the words of the reference application (docker/app/README.md).

Of its HTTP interface there is as much as its flows need to sign in, find a lesson, read and write: answers of the
right shape at once, nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from random import Random
from typing import Any

import socketio
from aiohttp import web

from harness.oracle.broadcasts import Chat, DeliveryFate, Sending, Switchboard
from harness.oracle.log import Delivered
from harness.oracle.site import Site, clock

__all__ = ["Chat", "serve"]


def serve(app: web.Application, parameters: Chat, random: Random, site: Site) -> None:
    """Add Socket.IO and the routes."""
    sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*", logger=False, engineio_logger=False)
    _Classrooms(sio, parameters, random, site)
    sio.attach(app)
    _lessons(app, parameters, random, site)


class _Classrooms:
    """The sockets' side."""

    def __init__(self, sio: Any, parameters: Chat, random: Random, site: Site) -> None:
        self._sio = sio
        self._hold_seconds = parameters.hold_seconds
        self._switchboard = Switchboard(parameters, random)
        self._site = site
        self._members: dict[int, dict[str, None]] = defaultdict(dict)
        self._said: dict[str, dict[str, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        sio.on("connect", self._connect)
        sio.on("disconnect", self._disconnect)
        sio.on("join", self._join)
        sio.on("chat", self._chat)

    async def _connect(self, sid: str, environ: object, auth: object) -> bool:
        return isinstance(auth, dict) and bool(auth.get("token"))

    async def _disconnect(self, sid: str, reason: object = None) -> None:
        self._switchboard.forget(sid)
        for members in self._members.values():
            members.pop(sid, None)

    async def _join(self, sid: str, data: object) -> dict[str, object]:
        room = _lesson_of(data)
        if room is None:
            return {"ok": False, "error": "no such lesson"}
        self._members[room][sid] = None
        return {"ok": True, "lesson_id": room}

    async def _chat(self, sid: str, data: object) -> dict[str, object]:
        room = _lesson_of(data)
        if room is None or not isinstance(data, dict) or sid not in self._members[room]:
            return {"ok": False, "error": "not in that lesson"}
        identifier = str(data.get("client_id", ""))
        self._said[identifier] = {**data, "user_id": 1}
        sendings, held = self._switchboard.broadcast(
            identifier, [member for member in self._members[room] if member != sid]
        )
        await self._send(room, sendings)
        for receiver in held:
            self._start(self._release(room, receiver, identifier))
        if not held:
            self._forget_later(identifier)
        return {"ok": True, "client_id": identifier}

    async def _send(self, room: int, sendings: tuple[Sending, ...]) -> None:
        for sending in sendings:
            if sending.fate is not DeliveryFate.LOST:
                await self._sio.emit("chat", self._said[sending.message], to=sending.receiver)
            if sending.fate is not None:
                row = Delivered(clock(), sending.message, room, sending.receiver, sending.fate.value)
                self._site.log.add(row)

    async def _release(self, room: int, receiver: str, message: str) -> None:
        await asyncio.sleep(self._hold_seconds)
        sending = self._switchboard.give_up(receiver, message)
        if sending is not None:
            await self._send(room, (sending,))
        self._forget_later(message)

    def _forget_later(self, message: str) -> None:
        """Nothing of a message is held longer than that."""
        asyncio.get_running_loop().call_later(2 * self._hold_seconds, self._said.pop, message, None)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _lesson_of(data: object) -> int | None:
    lesson = data.get("lesson_id") if isinstance(data, dict) else None
    return lesson if isinstance(lesson, int) else None


def _lessons(app: web.Application, parameters: Chat, random: Random, site: Site) -> None:
    """The pages' side."""

    async def login(request: web.Request) -> web.Response:
        name = str((await request.json())["email"]).partition("@")[0]
        return web.json_response({"token": f"token-{name}", "user": {"id": 1, "role": "student", "name": name}})

    async def dashboard(_: web.Request) -> web.Response:
        return web.json_response({"lessons": parameters.rooms})

    async def lessons(request: web.Request) -> web.Response:
        most = min(int(request.query.get("per_page", 20)), parameters.rooms)
        items = [{"id": number} for number in random.sample(range(1, parameters.rooms + 1), most)]
        return web.json_response({"items": items, "page": 1, "pages": 1, "total": parameters.rooms})

    async def lesson(request: web.Request) -> web.Response:
        return web.json_response({"id": int(request.match_info["id"])})

    async def write(request: web.Request) -> web.Response:
        number = int(request.match_info.get("id", 1))
        status = 201 if request.method == "POST" else 200
        return web.json_response({"id": number, "client_id": (await request.json())["client_id"]}, status=status)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html></html>", content_type="text/html")

    @web.middleware
    async def counted(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith(("/socket.io/", "/metrics", "/nginx_status", "/healthz")):
            answer: web.StreamResponse = await handler(request)
            return answer
        arrival = site.arrived()
        try:
            served: web.StreamResponse = await handler(request)
        finally:
            site.meter.end(clock(), clock() - arrival)
        return served

    app.middlewares.append(counted)
    app.router.add_post("/login", login)
    app.router.add_get("/api/dashboard", dashboard)
    app.router.add_get("/api/lessons", lessons)
    app.router.add_get(r"/api/lessons/{id:\d+}", lesson)
    app.router.add_post("/api/lessons", write)
    app.router.add_put(r"/api/lessons/{id:\d+}", write)
    app.router.add_get(r"/lessons/{id:\d+}", page)
