"""Where the chunks of a session wait until they make a window."""

from __future__ import annotations

from functools import cache

from redis import Redis

from refapp.config import settings

SESSION_SECONDS = 3600
"""The plan's longest session: what was never transcribed is forgotten after it."""


@cache
def audio_store() -> Redis:
    """Where chunks wait."""
    return Redis.from_url(settings().redis_url, socket_timeout=5, socket_connect_timeout=5)


def audio_key(session: str) -> str:
    """Of a session's chunks."""
    return f"audio:{session}"


def session_room(session: str) -> str:
    """Who hears its transcripts."""
    return f"session:{session}"
