"""Live audio over Socket.IO: chunks are gathered in Redis until a window is full, which is then to be transcribed.

What is said is pushed back as ``transcript``, when the external service has had time for it.
"""

from __future__ import annotations

from typing import Any

from flask_socketio import SocketIO, join_room, rooms

from refapp.errors import ApiError
from refapp.products.mina.settings import mina_settings
from refapp.products.mina.transcribe import transcribe
from refapp.products.mina.windows import SESSION_SECONDS, audio_key, audio_store, session_room
from refapp.sockets import current_user
from refapp.validation import client_id, event_object

MAX_CHUNK_BYTES = 60 * 1024


def serve_events(socketio: SocketIO) -> None:
    """Register the events."""
    socketio.on_event("start", _start)
    socketio.on_event("audio", _audio)


def _start(data: object) -> dict[str, Any]:
    session = client_id(event_object(data).get("session"))
    join_room(session_room(session))
    return {"ok": True, "session": session}


def _audio(data: object) -> dict[str, Any]:
    """Acknowledged with ``queued``: whether this chunk has completed a window, whose transcript carries its id."""
    fields, user = event_object(data), current_user()
    written, session, chunk = client_id(fields.get("client_id")), client_id(fields.get("session")), fields.get("chunk")
    if not isinstance(chunk, bytes) or not 0 < len(chunk) <= MAX_CHUNK_BYTES:
        raise ApiError(400, f"chunk must hold up to {MAX_CHUNK_BYTES} bytes")
    if session_room(session) not in rooms():
        raise ApiError(403, "start the session first")
    key = audio_key(session)
    pipeline = audio_store().pipeline(transaction=False)
    pipeline.rpush(key, chunk)
    pipeline.expire(key, SESSION_SECONDS)
    waiting = pipeline.execute()[0]
    queued = waiting % mina_settings().window_chunks == 0
    if queued:
        transcribe.delay(session, user.id, written)
    return {"ok": True, "client_id": written, "queued": queued}
