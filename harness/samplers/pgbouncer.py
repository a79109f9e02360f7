"""PgBouncer: clients that wait and server connections in use, from SHOW POOLS and SHOW STATS of its console.

The total wait time moves only when a client is served: a wait in progress shows in ``max_wait_seconds`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.samplers.base import known, per_second, share
from harness.samplers.connection import PostgresConnection
from harness.samplers.targets import Targets

_CONSOLE = "pgbouncer"
_RATES = {
    "wait_seconds_per_second": ("total_wait_time", 1e-6),
    "queries_per_second": ("total_query_count", 1.0),
    "transactions_per_second": ("total_xact_count", 1.0),
}


@dataclass(frozen=True, slots=True)
class PgBouncerRaw:
    """The rows of the answers, by column; the console's own pool is among them."""

    pools: Sequence[Mapping[str, Any]]
    stats: Sequence[Mapping[str, Any]]
    databases: Sequence[Mapping[str, Any]] = ()


class PgBouncerSampler:
    """Samples all pools of a PgBouncer together."""

    source = "pgbouncer"
    period_seconds = 1.0

    def __init__(self, dsn: str) -> None:
        self._connection = PostgresConnection(dsn)

    def fetch(self) -> PgBouncerRaw:
        """Ask the console."""
        return PgBouncerRaw(
            self._connection.rows("SHOW POOLS", prepare=False),
            self._connection.rows("SHOW STATS", prepare=False),
            self._connection.rows("SHOW DATABASES", prepare=False),
        )

    def parse(self, raw: PgBouncerRaw, previous: PgBouncerRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values over all pools but the console's."""
        pools = [pool for pool in raw.pools if pool["database"] != _CONSOLE]
        values: dict[str, float | None] = {
            "client_active": sum(pool["cl_active"] for pool in pools),
            "client_waiting": sum(pool["cl_waiting"] for pool in pools),
            "server_active": sum(pool["sv_active"] for pool in pools),
            # Idle connections that await a check before they are used again are called "used".
            "server_idle": sum(pool["sv_idle"] + pool["sv_used"] for pool in pools),
            "max_wait_seconds": max((pool["maxwait"] + pool["maxwait_us"] / 1e6 for pool in pools), default=0.0),
        }
        values["pool_size"] = sum(row["pool_size"] for row in raw.databases if row["name"] != _CONSOLE) or None
        values["pool_ratio"] = share(values["server_active"], values["pool_size"])
        if previous is not None:
            for key, (column, scale) in _RATES.items():
                now, before = _total(raw.stats, column), _total(previous.stats, column)
                values[key] = per_second(now * scale, before * scale, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> PgBouncerSampler | None:
    """Made when there is a console."""
    return None if targets.pgbouncer_dsn is None else PgBouncerSampler(targets.pgbouncer_dsn)


def _total(stats: Sequence[Mapping[str, Any]], column: str) -> float:
    return float(sum(row[column] for row in stats if row["database"] != _CONSOLE))
