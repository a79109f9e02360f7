"""After the drain: is every acknowledged write in the database, and what does the server say of each upload's job?"""

from __future__ import annotations

import psycopg
from psycopg.rows import dict_row

from harness.model.samples import AcknowledgedWrite, JobEvent, Reconciliation
from harness.samplers.connection import BoundedConnection

PATIENCE_SECONDS = 60.0
"""For one answer: a database that hangs after the load must not keep the run from its end."""


class _Connection(BoundedConnection):
    patience_seconds = PATIENCE_SECONDS


_STATES = ("queued", "started", "finished")


def reconcile(dsn: str, writes: tuple[AcknowledgedWrite, ...]) -> Reconciliation:
    """Hold the acknowledged ids against the view ``acknowledged(client_id, kind)``.

    A database that does not answer gives ``checked=False`` with the reason: nothing is known then, and nothing passes.
    """
    wanted = {(write.kind, write.id) for write in writes}
    try:
        with _Connection.connect(dsn, connect_timeout=5, prepare_threshold=None, row_factory=dict_row) as connection:
            rows = connection.execute("SELECT kind, client_id::text AS id FROM acknowledged").fetchall()
    except (psycopg.Error, TimeoutError) as error:
        return Reconciliation(False, len(wanted), 0, (), f"the database could not be asked: {type(error).__name__}")
    stored = {(str(row["kind"]), str(row["id"])) for row in rows}
    missing = tuple(sorted(f"{kind} {client_id}" for kind, client_id in wanted - stored))
    return Reconciliation(True, len(wanted), len(wanted & stored), missing)


def job_events(dsn: str, ids: frozenset[str], monotonic_offset_seconds: float) -> tuple[JobEvent, ...]:
    """When each upload's job was queued, started and finished by the server's own record.

    monotonic_offset_seconds: monotonic − wall clock of this host. Empty when the database does not answer.
    """
    query = (
        "SELECT client_id::text AS id, status, extract(epoch FROM queued_at)::float8 AS queued,"
        " extract(epoch FROM started_at)::float8 AS started, extract(epoch FROM finished_at)::float8 AS finished"
        " FROM uploads"
    )
    try:
        with _Connection.connect(dsn, connect_timeout=5, prepare_threshold=None, row_factory=dict_row) as connection:
            rows = connection.execute(query).fetchall()
    except (psycopg.Error, TimeoutError):
        return ()
    events = []
    for row in rows:
        if row["id"] not in ids:
            continue
        for state in _STATES:
            wall = row[state]
            if wall is not None:
                name = "failed" if state == "finished" and row["status"] == "failed" else state
                events.append(JobEvent(wall + monotonic_offset_seconds, row["id"], name, {"by": "server"}))
    return tuple(sorted(events, key=lambda event: event.monotonic_seconds))
