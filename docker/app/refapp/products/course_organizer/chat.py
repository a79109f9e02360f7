"""Group chat over Socket.IO."""

from __future__ import annotations

from typing import Any

from flask_socketio import SocketIO, emit, join_room, rooms

from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.course_organizer import queries
from refapp.reading import wrote
from refapp.sockets import current_user
from refapp.validation import client_id, event_object, identity, text

MAX_TEXT = 2_000


def serve_events(socketio: SocketIO) -> None:
    """Register the events."""
    socketio.on_event("join_group", _join)
    socketio.on_event("group_message", _message)


def _room(group: int) -> str:
    return f"group:{group}"


def _join(data: object) -> dict[str, Any]:
    group = identity(event_object(data), "group_id")
    with connect() as connection:
        if not queries.group_exists(connection, group):
            raise ApiError(404, "no such group")
    join_room(_room(group))
    return {"ok": True, "group_id": group}


def _message(data: object) -> dict[str, Any]:
    """Acknowledged by returning, after the commit; a message that comes again is not sent to the others again."""
    fields, user = event_object(data), current_user()
    written, group = client_id(fields.get("client_id")), identity(fields, "group_id")
    said = text(fields, "text", MAX_TEXT)
    room = _room(group)
    if room not in rooms():
        raise ApiError(403, "join the group first")
    with connect() as connection:
        _, new = queries.say(connection, user, group, written, said)
    wrote(user)
    if new:
        message = {"client_id": written, "group_id": group, "user_id": user.id, "text": said}
        emit("group_message", message, to=room, include_self=False)
    return {"ok": True, "client_id": written}
