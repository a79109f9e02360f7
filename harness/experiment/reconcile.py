"""After the drain: is every acknowledged write in the database, and what does the server say of each upload's job?"""

from __future__ import annotations

import psycopg

from harness.model.samples import AcknowledgedWrite, JobEvent, Reconciliation

_STATES = ("queued", "started", "finished")


def reconcile(dsn: str, writes: tuple[AcknowledgedWrite, ...]) -> Reconciliation:
    """Hold the acknowledged ids against the view ``acknowledged(client_id, kind)``.

    A database that does not answer gives ``checked=False`` with the reason: nothing is known then, and nothing passes.
    """
    wanted = {(write.kind, write.id) for write in writes}
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            rows = connection.execute("SELECT kind, client_id::text FROM acknowledged").fetchall()
    except psycopg.Error as error:
        return Reconciliation(False, len(wanted), 0, (), f"the database did not answer: {type(error).__name__}")
    stored = {(str(kind), str(client_id)) for kind, client_id in rows}
    missing = tuple(sorted(f"{kind} {client_id}" for kind, client_id in wanted - stored))
    return Reconciliation(True, len(wanted), len(wanted & stored), missing)


def job_events(dsn: str, ids: frozenset[str], monotonic_offset_seconds: float) -> tuple[JobEvent, ...]:
    """When each upload's job was queued, started and finished by the server's own record.

    monotonic_offset_seconds: monotonic − wall clock of this host. Empty when the database does not answer.
    """
    query = (
        "SELECT client_id::text, status, extract(epoch FROM queued_at)::float8, extract(epoch FROM started_at)::float8,"
        " extract(epoch FROM finished_at)::float8 FROM uploads"
    )
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            rows = connection.execute(query).fetchall()
    except psycopg.Error:
        return ()
    events = []
    for client_id, status, *times in rows:
        if client_id not in ids:
            continue
        for state, wall in zip(_STATES, times, strict=True):
            if wall is not None:
                name = "failed" if state == "finished" and status == "failed" else state
                events.append(JobEvent(wall + monotonic_offset_seconds, client_id, name, {"by": "server"}))
    return tuple(sorted(events, key=lambda event: event.monotonic_seconds))
