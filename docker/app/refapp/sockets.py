"""Socket.IO: who is connected, over WebSockets only, with Redis carrying broadcasts between the workers.

Several workers share one port without sticky sessions, which long-polling would need.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from engineio.async_drivers.gevent import WebSocketWSGI
from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, join_room
from socketio import RedisManager

from refapp.auth import read_token
from refapp.config import settings
from refapp.errors import UNAVAILABLE, ApiError
from refapp.metrics import SOCKETS_OPEN
from refapp.users import User

CHANNEL = "refapp-sockets"
MAX_MESSAGE_BYTES = 64 * 1024
_USER = "refapp.user"

socketio = SocketIO()


class BoundedWebSocket(WebSocketWSGI):
    """Refuses a message while it comes in; Engine.IO alone would look at its size when all of it is in memory."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self.server_args["max_message_size"] = MAX_MESSAGE_BYTES


def serve_sockets(app: Flask) -> None:
    """Put the Socket.IO server in front of the Flask application."""
    socketio.init_app(
        app,
        async_mode="gevent",
        transports=["websocket"],
        message_queue=settings().redis_url,
        channel=CHANNEL,
        manage_session=False,
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        ping_interval=settings().sio_ping_interval_seconds,
        ping_timeout=settings().sio_ping_timeout_seconds,
        # Who connects is known by the token alone, never by a cookie, so another origin gains nothing.
        cors_allowed_origins="*",
    )
    socketio.server.eio._async = {**socketio.server.eio._async, "websocket": BoundedWebSocket}


def user_room(user_id: int) -> str:
    """The room of all sockets of one user."""
    return f"user:{user_id}"


def current_user() -> User:
    """Whose socket the event came from."""
    user: User = request.environ[_USER]
    return user


def listen() -> None:
    """Hear what other workers broadcast from now on; by itself the server would begin with its first connection, whose
    room could miss what is said meanwhile."""
    server = socketio.server
    if not server.manager_initialized:
        server.manager_initialized = True
        server.manager.initialize()


def drop_sockets() -> None:
    """Cut every connection of this worker, as a lost network would, so that clients connect anew to another worker."""
    for socket in list(socketio.server.eio.sockets.values()):
        socket.close(wait=False, abort=True)


@cache
def _outside() -> RedisManager:
    return RedisManager(settings().redis_url, channel=CHANNEL, write_only=True)


def tell_user(user_id: int, event: str, data: dict[str, Any]) -> None:
    """Send an event to a user's sockets from outside of the web workers. A lost Redis is logged, not raised."""
    tell_room(user_room(user_id), event, data)


def tell_room(room: str, event: str, data: dict[str, Any]) -> None:
    """The same to everyone in a room."""
    _outside().emit(event, data, room=room)


@socketio.on("connect")
def connect(auth: object) -> None:
    """Refuse whoever has no token."""
    user = read_token(auth.get("token")) if isinstance(auth, dict) else None
    if user is None:
        raise Refused("sign in first")
    request.environ[_USER] = user
    join_room(user_room(user.id))
    SOCKETS_OPEN.inc()


@socketio.on("disconnect")
def disconnect(_reason: str) -> None:
    """Count it out."""
    SOCKETS_OPEN.dec()


@socketio.on_error_default
def refuse(error: Exception) -> dict[str, Any]:
    """An event that failed is acknowledged as such; a connection whose check failed is refused."""
    if isinstance(error, ApiError):
        message = error.message
    elif isinstance(error, UNAVAILABLE):
        logging.getLogger(__name__).warning("unavailable: %s", type(error).__name__)
        message = "temporarily unavailable"
    else:
        logging.getLogger(__name__).error("event failed", exc_info=error)
        message = "internal error"
    if request.event["message"] == "connect":  # whatever is returned from it would count as consent
        raise Refused(message)
    return {"ok": False, "error": message}
