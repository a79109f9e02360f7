"""Answers that are kept in Redis for a while."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from prometheus_client import Counter
from redis import Redis, RedisError

from refapp.config import settings
from refapp.redis_client import redis_client

LOOKUPS = Counter("refapp_cache_lookups_total", "Lookups in the cache, by result: hit or miss", ("result",))
_PREFIX = "cache:"
_TIMEOUT_SECONDS = 1.0

_log = logging.getLogger(__name__)


@cache
def _redis() -> Redis:
    return redis_client(_TIMEOUT_SECONDS)


def cached(key: str, ttl_seconds: int, make: Callable[[], Any]) -> Any:
    """What is kept under the key, or else what ``make`` returns (JSON), which is then kept for that long.

    Without Redis, and with the cache switched off (``CACHE=0``), it is made each time: slower, not wrong.
    """
    if not settings().cache:
        return make()
    try:
        found = _redis().get(_PREFIX + key)
    except RedisError as error:
        _log.warning("no cache: %s", type(error).__name__)
        return make()
    if found is not None:
        LOOKUPS.labels("hit").inc()
        return json.loads(found)  # type: ignore[arg-type]
    LOOKUPS.labels("miss").inc()
    made = make()
    try:
        _redis().set(_PREFIX + key, json.dumps(made), ex=ttl_seconds)
    except RedisError as error:
        _log.warning("not kept: %s", type(error).__name__)
    return made


def forget(*keys: str) -> None:
    """Drop what is kept under the keys: what it was made from has changed."""
    if keys and settings().cache:
        try:
            _redis().delete(*(_PREFIX + key for key in keys))
        except RedisError as error:
            _log.warning("not forgotten: %s", type(error).__name__)
