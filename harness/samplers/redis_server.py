"""Redis: memory, clients, operations, evictions and the CPU of its main thread, from INFO (Redis 7 or newer).

The samplers' own two connections and dozen of operations a second are among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import RedisConnection
from harness.samplers.targets import Targets

_INFO = ("INFO", "clients", "memory", "stats", "cpu", "errorstats")
_OUT_OF_MEMORY = "errorstat_OOM"
"""Commands that were refused because ``maxmemory`` was reached; there is no such line before the first."""
_AS_THEY_ARE = {
    "used_memory_bytes": "used_memory",
    "connected_clients": "connected_clients",
    "evicted_keys_total": "evicted_keys",
    "rejected_connections_total": "rejected_connections",
}


@dataclass(frozen=True, slots=True)
class RedisRaw:
    """The text of INFO, and how long a PING took there and back, the harness's own share of it included."""

    info: str
    ping_seconds: float


class RedisSampler:
    """Samples one Redis server."""

    source = "redis"
    period_seconds = 1.0

    def __init__(self, url: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self._connection = RedisConnection(url)
        self._clock = clock

    def fetch(self) -> RedisRaw:
        """PING, then INFO."""
        self._connection.connect()
        began = self._clock()
        self._connection.replies(("PING",))
        ping_seconds = self._clock() - began
        (info,) = self._connection.replies(_INFO)
        return RedisRaw(info.decode(), ping_seconds)

    def parse(self, raw: RedisRaw, previous: RedisRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the server."""
        now = _fields(raw.info)
        values: dict[str, float | None] = {key: float(now[name]) for key, name in _AS_THEY_ARE.items()}
        values["ping_seconds"] = raw.ping_seconds
        values["memory_ratio"] = share(values["used_memory_bytes"], float(now["maxmemory"]))  # no limit: left out
        values["out_of_memory_errors_total"] = float(now.get(_OUT_OF_MEMORY, "count=0").partition("count=")[2])
        if previous is not None:
            before = _fields(previous.info)
            values["operations_per_second"] = per_second(_operations(now), _operations(before), elapsed_seconds)
            values["cpu_ratio"] = per_second(_cpu_seconds(now), _cpu_seconds(before), elapsed_seconds)
            values["evictions_per_second"] = per_second(
                float(now["evicted_keys"]), float(before["evicted_keys"]), elapsed_seconds
            )
            hits, misses = (
                growth(float(now[name]), float(before[name])) for name in ("keyspace_hits", "keyspace_misses")
            )
            values["hit_ratio"] = None if hits is None or misses is None else share(hits, hits + misses)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> RedisSampler | None:
    """Made when there is a URL."""
    return None if targets.redis_url is None else RedisSampler(targets.redis_url)


def _fields(info: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in info.splitlines() if ":" in line)


def _operations(fields: Mapping[str, str]) -> float:
    return float(fields["total_commands_processed"])


def _cpu_seconds(fields: Mapping[str, str]) -> float:
    """Commands run on the main thread alone: its CPU is what can be full, whatever the helper threads do."""
    return float(fields["used_cpu_sys_main_thread"]) + float(fields["used_cpu_user_main_thread"])
