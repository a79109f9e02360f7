"""Clients of Redis."""

from __future__ import annotations

from redis import Redis

from refapp.config import settings


def redis_client(timeout_seconds: float) -> Redis:
    """A client with connections of its own, made as they are needed. timeout_seconds: its patience with Redis, to be
    connected as for each answer; then it raises RedisError."""
    return Redis.from_url(settings().redis_url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)
