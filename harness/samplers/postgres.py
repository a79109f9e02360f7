"""PostgreSQL: connections by state, waits, locks, and what its statistics say of transactions and statements.

Sources: pg_stat_activity, pg_locks, pg_stat_database and pg_stat_statements (PostgreSQL 14 or newer), in one query of
about a millisecond. The sampler leaves its own connection and its own query out of the connections, the waits and the
statements; its one commit a second is in ``commits_per_second``. A backend reports its counters when it has been a
second since it last did, so that rates lag by about one.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import PostgresConnection
from harness.samplers.targets import Targets
from harness.store.read import SAMPLER_USER_AGENT

PostgresRaw = Mapping[str, float | None]
"""The one row of the answer, by column."""

_SETUP = ("SET statement_timeout = '1s'",)

_HAS_STATEMENTS = """
SELECT current_setting('pg_stat_statements.max', true) IS NOT NULL
   AND EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS answer
"""  # loaded by the server, and made known in this database

# Without the texts, which the server keeps in a file; without this query, which the server knows by its identifier.
_STATEMENTS = """
SELECT sum(calls)::float8 AS statements, sum(total_exec_time)::float8 / 1000 AS statement_seconds
FROM pg_stat_statements(false)
WHERE queryid IS DISTINCT FROM (SELECT query_id FROM pg_stat_activity WHERE pid = pg_backend_pid())
"""
_NO_STATEMENTS = "SELECT NULL::float8 AS statements, NULL::float8 AS statement_seconds"

_QUERY = """
SELECT activity.*, transactions.*, statements.*,
       current_setting('max_connections')::int AS max_connections,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections_free,
       (SELECT count(*) FROM pg_locks WHERE NOT granted) AS locks_not_granted,
       (SELECT CASE WHEN count(*) > 0 THEN coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 END
        FROM pg_stat_replication WHERE state = 'streaming') AS replication_lag_seconds
FROM (
  SELECT count(*) AS connections,
         count(*) FILTER (WHERE state = 'active') AS active,
         count(*) FILTER (WHERE state = 'idle') AS idle,
         count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
         count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock') AS waiting_lock,
         count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'LWLock') AS waiting_lwlock,
         count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'IO') AS waiting_io,
         coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active'), 0)::float8
           AS longest_statement_seconds
  FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND application_name IS DISTINCT FROM '{own_name}'
) AS activity, (
  SELECT deadlocks AS deadlocks_total, xact_commit AS commits, xact_rollback AS rollbacks,
         blks_hit AS blocks_hit, blks_read AS blocks_read
  FROM pg_stat_database WHERE datname = current_database()
) AS transactions, ({statements}) AS statements
"""

_AS_THEY_ARE = (
    "connections",
    "active",
    "idle",
    "idle_in_transaction",
    "waiting_lock",
    "waiting_lwlock",
    "waiting_io",
    "locks_not_granted",
    "deadlocks_total",
    "longest_statement_seconds",
)
_RATES = {
    "commits_per_second": "commits",
    "rollbacks_per_second": "rollbacks",
    "statements_per_second": "statements",
    "statement_seconds_per_second": "statement_seconds",
}


class PostgresSampler:
    """Samples the server and the database that the data source name leads to."""

    period_seconds = 1.0

    def __init__(self, dsn: str, source: str = "postgres") -> None:
        self.source = source
        self._connection = PostgresConnection(dsn, setup=_SETUP)
        self._query = ""

    def fetch(self) -> PostgresRaw:
        """Run the query."""
        if not self._connection.connected:
            (has_statements,) = self._connection.rows(_HAS_STATEMENTS, prepare=False)
            statements = _STATEMENTS if has_statements["answer"] else _NO_STATEMENTS
            self._query = _QUERY.format(own_name=SAMPLER_USER_AGENT, statements=statements)
        (row,) = self._connection.rows(self._query, prepare=True)
        return row

    def parse(self, raw: PostgresRaw, previous: PostgresRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the server."""
        values: dict[str, float | None] = {key: raw[key] for key in _AS_THEY_ARE}
        # Not below zero: superusers may use the reserved ones.
        free = raw.get("connections_free")
        values["connections_free"] = None if free is None else max(0.0, free)
        # Unknown while no replica follows: a replica that was lost is not one that keeps up.
        values["replication_lag_seconds"] = raw.get("replication_lag_seconds")
        values["connections_ratio"] = share(raw["connections"], raw["max_connections"])
        if previous is not None:
            for key, counter in _RATES.items():
                now = raw[counter]
                values[key] = None if now is None else per_second(now, previous[counter], elapsed_seconds)
            hits = _growth(raw["blocks_hit"], previous["blocks_hit"])
            reads = _growth(raw["blocks_read"], previous["blocks_read"])
            values["cache_hit_ratio"] = None if hits is None or reads is None else share(hits, hits + reads)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> PostgresSampler | None:
    """Made when there is a data source name."""
    return None if targets.postgres_dsn is None else PostgresSampler(targets.postgres_dsn)


def replica_from_targets(targets: Targets) -> PostgresSampler | None:
    """Made when there is a replica: what is read there, and how it waits."""
    return None if targets.replica_dsn is None else PostgresSampler(targets.replica_dsn, "replica")


def _growth(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else growth(now, before)
