"""PgBouncer in transaction pooling, where the stage asks for it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

import psycopg

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.planning.sizing import ConnectionBudget
from harness.stack.account import Account, write_private
from harness.stack.ports import LOOPBACK
from harness.stack.postgres import DATABASE, ROLE, SUPERUSER, Postgres
from harness.stack.processes import Command
from harness.stack.programs import Programs
from harness.stack.readback import compare, recorded
from harness.stack.render import render

REPLICA_DATABASE = "refapp_read"
"""What the database is called that leads to the replica."""


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """Where it lies and listens, and its sizes."""

    folder: Path
    port: int
    pool_size: int
    max_client_connections: int

    def admin_dsn(self, postgres: Postgres) -> str:
        """Its console."""
        return f"postgresql://{SUPERUSER}:{postgres.superuser_password}@{LOOPBACK}:{self.port}/pgbouncer"


def most_clients(size: StackSize, budget: ConnectionBudget) -> int:
    """max_client_conn: the plan's, else room for twice what the application opens."""
    return size.pgbouncer_max_client_connections or max(100, 2 * budget.most_clients)


def configuration(
    server: PgBouncer,
    *,
    address: str,
    port: int,
    database: tuple[str, int],
    replica: tuple[str, int] | None,
    users_file: str,
) -> str:
    """pgbouncer.ini. address, port: where it listens. database, replica: where PostgreSQL does."""
    return render(
        "pgbouncer/pgbouncer.ini.j2",
        database=DATABASE,
        postgres=database,
        replica=replica,
        replica_database=REPLICA_DATABASE,
        address=address,
        port=port,
        users_file=users_file,
        admin=SUPERUSER,
        pool_size=server.pool_size,
        max_client_connections=server.max_client_connections,
    )


def serve(
    programs: Programs, server: PgBouncer, postgres: Postgres, replica: Postgres | None, account: Account | None
) -> Command:
    """Configure and serve it; what leads to a replica may be asked for once that is there."""
    assert programs.pgbouncer is not None
    # In plain text: PgBouncer 1.18 needs the password itself to answer PostgreSQL's SCRAM challenge.
    users = write_private(
        server.folder / "users.txt",
        f'"{ROLE}" "{postgres.role_password}"\n"{SUPERUSER}" "{postgres.superuser_password}"\n',
        account,
    )
    text = configuration(
        server,
        address=LOOPBACK,
        port=server.port,
        database=(LOOPBACK, postgres.port),
        replica=None if replica is None else (LOOPBACK, replica.port),
        users_file=str(users),
    )
    path = write_private(server.folder / "pgbouncer.ini", text, account)
    # SIGINT waits for transactions, SIGTERM ends at once.
    return Command(
        "pgbouncer",
        (str(programs.pgbouncer), str(path)),
        cwd=server.folder,
        stop_signal=signal.SIGTERM,
        backing=True,
    )


def _show(dsn: str, what: str) -> list[dict[str, object]]:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=2) as connection:
        cursor = connection.execute(f"SHOW {what}".encode())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def answers(server: PgBouncer, postgres: Postgres) -> bool:
    """Whether its console answers."""
    try:
        return bool(_show(server.admin_dsn(postgres), "VERSION"))
    except psycopg.OperationalError:
        return False


def read_back(server: PgBouncer, postgres: Postgres) -> tuple[ReadBack, ...]:
    """Ask its console."""
    dsn = server.admin_dsn(postgres)
    settings = {str(row["key"]): str(row["value"]) for row in _show(dsn, "CONFIG")}
    version = str(_show(dsn, "VERSION")[0]["version"])
    return (
        compare("pgbouncer", "pool_mode", "transaction", settings["pool_mode"]),
        compare("pgbouncer", "default_pool_size", server.pool_size, int(settings["default_pool_size"])),
        compare("pgbouncer", "max_client_conn", server.max_client_connections, int(settings["max_client_conn"])),
        recorded("pgbouncer", "version", version.removeprefix("PgBouncer ")),
    )
