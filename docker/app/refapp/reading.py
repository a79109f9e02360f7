"""Where a read goes: to the replica, where there is one, unless its user has just written.

A replica follows a moment later. For ``REREAD_SECONDS`` after a write its user therefore reads from the primary, so
that everybody finds what they themselves have done. What goes into the cache is always read from the primary: once an
entry is dropped because of a write, a replica that lags would put the old answer back for a minute.
"""

from __future__ import annotations

import logging
from functools import cache

from redis import Redis, RedisError
from sqlalchemy import Connection

from refapp.config import settings
from refapp.db import connect, connect_to_replica
from refapp.redis_client import redis_client
from refapp.users import User

_TIMEOUT_SECONDS = 1.0

_log = logging.getLogger(__name__)


@cache
def _redis() -> Redis:
    return redis_client(_TIMEOUT_SECONDS)


def connect_to_read(user: User) -> Connection:
    """A connection for what the user only reads, for a ``with`` statement. Raises what ``connect`` does."""
    if not settings().read_database_url or _has_just_written(user):
        return connect()
    return connect_to_replica()


def wrote(user: User) -> None:
    """The user has written; to be called before that is acknowledged."""
    if not settings().read_database_url:
        return
    try:
        _redis().set(_key(user), 1, ex=settings().reread_seconds)
    except RedisError as error:
        _log.warning("a write is not remembered: %s", type(error).__name__)


def _has_just_written(user: User) -> bool:
    try:
        return bool(_redis().exists(_key(user)))
    except RedisError as error:  # not known: the primary is never wrong
        _log.warning("reading from the primary: %s", type(error).__name__)
        return True


def _key(user: User) -> str:
    return f"wrote:{user.id}"
