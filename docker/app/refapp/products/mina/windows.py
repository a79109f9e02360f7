"""Where the chunks of a session wait until they make a window."""

from __future__ import annotations

from functools import cache

from redis import Redis

from refapp.redis_client import redis_client

SESSION_SECONDS = 3600
"""The plan's longest session: what was never transcribed is forgotten after it."""
_TIMEOUT_SECONDS = 5.0


@cache
def audio_store() -> Redis:
    """Where chunks wait."""
    return redis_client(_TIMEOUT_SECONDS)


def audio_key(session: str) -> str:
    """Of a session's chunks."""
    return f"audio:{session}"


def session_room(session: str) -> str:
    """Who hears its transcripts."""
    return f"session:{session}"
