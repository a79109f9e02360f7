"""Private messages over Socket.IO: two people talk."""

from __future__ import annotations

from typing import Any

from flask_socketio import SocketIO, emit, join_room, rooms

from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.chitlaq import queries
from refapp.reading import wrote
from refapp.sockets import current_user
from refapp.users import User
from refapp.validation import MAX_ID, client_id, event_object, text

MAX_TEXT = 2_000


def serve_events(socketio: SocketIO) -> None:
    """Register the events."""
    socketio.on_event("open", _open)
    socketio.on_event("message", _message)


def _talk(fields: dict[str, Any], user: User) -> tuple[int, int]:
    """The two of ``between``, one of whom is the user; the lower id first."""
    pair = fields.get("between")
    if (
        not isinstance(pair, list)
        or len(pair) != 2
        or not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one <= MAX_ID for one in pair)
        or pair[0] == pair[1]
    ):
        raise ApiError(400, "between must name two people")
    if user.id not in pair:
        raise ApiError(403, "not your conversation")
    return min(pair), max(pair)


def _room(pair: tuple[int, int]) -> str:
    return f"talk:{pair[0]}:{pair[1]}"


def _open(data: object) -> dict[str, Any]:
    pair = _talk(event_object(data), current_user())
    join_room(_room(pair))
    return {"ok": True, "between": list(pair)}


def _message(data: object) -> dict[str, Any]:
    """Acknowledged by returning, after the commit; a message that comes again is not sent to the other again."""
    fields, user = event_object(data), current_user()
    pair, written, said = _talk(fields, user), client_id(fields.get("client_id")), text(fields, "text", MAX_TEXT)
    room = _room(pair)
    if room not in rooms():
        raise ApiError(403, "open the conversation first")
    with connect() as connection:
        new = queries.say(connection, user, pair, written, said)
    wrote(user)
    if new:
        message = {"client_id": written, "between": list(pair), "user_id": user.id, "text": said}
        emit("message", message, to=room, include_self=False)
    return {"ok": True, "client_id": written}
