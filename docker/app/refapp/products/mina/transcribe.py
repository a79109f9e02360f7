"""A window of audio to text, as a Celery task that waits its turn at the external service."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from celery import Task, shared_task

from refapp.db import connect
from refapp.products.mina import queries
from refapp.products.mina.settings import mina_settings
from refapp.products.mina.windows import SESSION_SECONDS, audio_key, audio_store, session_room
from refapp.sockets import tell_room

TIMEOUT_SECONDS = 30
MOST_ATTEMPTS = 20


class Busy(Exception):
    """The external service wants to be asked later."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


@shared_task(name="mina.transcribe", bind=True, acks_late=True, max_retries=MOST_ATTEMPTS)
def transcribe(self: Task[..., None], session: str, user_id: int, client_id: str) -> None:
    """Take the window's chunks, have them transcribed, and tell the session. Asked to wait, it goes back into the queue
    and leaves the worker to others."""
    store, window = audio_store(), mina_settings().window_chunks
    key = audio_key(f"{session}:{client_id}")
    chunks = store.lrange(key, 0, -1)
    if not chunks:  # the first attempt: from now on the window is this task's own
        chunks = store.lpop(audio_key(session), window) or []
        if chunks:
            store.rpush(key, *chunks)
            store.expire(key, SESSION_SECONDS)
    try:
        said = _ask(b"".join(chunks))
    except Busy as busy:
        raise self.retry(countdown=busy.wait_seconds, exc=busy) from busy
    store.delete(key)
    with connect() as connection:
        queries.keep_transcript(connection, user_id, session, client_id, said)
    tell_room(session_room(session), "transcript", {"client_id": client_id, "session": session, "text": said})


def _ask(audio: bytes) -> str:
    """The text of the audio. Raises Busy when the service says 429, OSError when it does not answer."""
    request = urllib.request.Request(  # noqa: S310 - an address of our own configuration
        mina_settings().whisper_url, data=audio, headers={"Content-Type": "application/octet-stream"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            text: Any = answer.read().decode()
            return str(text)
    except urllib.error.HTTPError as error:
        if error.code == 429:
            raise Busy(float(error.headers.get("Retry-After", "1"))) from error
        raise
