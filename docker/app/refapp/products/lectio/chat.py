"""The classroom over Socket.IO: enter a lesson's room, and talk in it."""

from __future__ import annotations

from typing import Any

from flask_socketio import SocketIO, emit, join_room, rooms

from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.lectio import queries
from refapp.reading import wrote
from refapp.sockets import current_user
from refapp.validation import client_id, event_object, identity, text

MAX_TEXT = 2_000


def serve_events(socketio: SocketIO) -> None:
    """Register the events."""
    socketio.on_event("join", _join)
    socketio.on_event("chat", _chat)


def _room(lesson_id: int) -> str:
    return f"lesson:{lesson_id}"


def _join(data: object) -> dict[str, Any]:
    lesson_id = identity(event_object(data), "lesson_id")
    with connect() as connection:
        if not queries.lesson_exists(connection, lesson_id):
            raise ApiError(404, "no such lesson")
    join_room(_room(lesson_id))
    return {"ok": True, "lesson_id": lesson_id}


def _chat(data: object) -> dict[str, Any]:
    """Acknowledged by returning, after the commit; a message that comes again is not sent to the others again."""
    fields = event_object(data)
    written, lesson_id, said = (
        client_id(fields.get("client_id")),
        identity(fields, "lesson_id"),
        text(fields, "text", MAX_TEXT),
    )
    room = _room(lesson_id)
    if room not in rooms():
        raise ApiError(403, "join the lesson first")
    user = current_user()
    with connect() as connection:
        new = queries.say(connection, user, lesson_id, written, said)
    wrote(user)
    if new:
        message = {"client_id": written, "lesson_id": lesson_id, "user_id": user.id, "text": said}
        emit("chat", message, to=room, include_self=False)
    return {"ok": True, "client_id": written}
