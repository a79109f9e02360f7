"""PostgreSQL: a cluster of its own for each run."""

from __future__ import annotations

import ctypes
import signal
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.planning.sizing import SUPERUSER_RESERVED_CONNECTIONS
from harness.stack.account import Account, write_private
from harness.stack.ports import LOOPBACK
from harness.stack.processes import Command
from harness.stack.programs import Programs
from harness.stack.readback import compare, recorded
from harness.stack.render import render

SUPERUSER = "proofload"
ROLE = "refapp"
DATABASE = "refapp"
REPLICATOR = "replicator"
BLOCK_BYTES = 8192
FOLDER = "postgres"
REPLICA_FOLDER = "replica"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cluster: where it lies, where it listens and with which passwords."""

    folder: Path
    port: int
    superuser_password: str = field(repr=False)
    role_password: str = field(repr=False)

    def dsn(self, *, superuser: bool = True, port: int | None = None, database: str = DATABASE) -> str:
        """libpq's URI; another port, and another name of the database, are PgBouncer's."""
        user, password = (SUPERUSER, self.superuser_password) if superuser else (ROLE, self.role_password)
        return f"postgresql://{user}:{password}@{LOOPBACK}:{port or self.port}/{database}"


def initdb(programs: Programs, server: Postgres, account: Account | None) -> Command:
    """Make the cluster; its folder exists and belongs to the servers' user."""
    password_file = write_private(server.folder.parent / "initdb-password", server.superuser_password, account)
    return Command(
        "initdb",
        (
            str(programs.initdb),
            f"--pgdata={server.folder}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",  # only for the empty cluster: the server itself runs with fsync on
            "--no-instructions",
        ),
        cwd=server.folder,
    )


def configuration(size: StackSize, *, address: str, port: int) -> str:
    """postgresql.conf with the stage's sizes."""
    return render(
        "postgres/postgresql.conf.j2",
        address=address,
        port=port,
        max_connections=size.postgres_max_connections,
        superuser_reserved_connections=SUPERUSER_RESERVED_CONNECTIONS,
        shared_buffers_kib=_whole_blocks(size.postgres_shared_buffers_bytes) // 1024,
    )


def copy(programs: Programs, server: Postgres, primary: Postgres, replication_password: str) -> Command:
    """Make the cluster of a replica, which will follow the primary from then on; its folder exists, and is empty."""
    return Command(
        "pg_basebackup",
        (
            str(programs.pg_basebackup),
            f"--host={LOOPBACK}",
            f"--port={primary.port}",
            f"--username={REPLICATOR}",
            f"--pgdata={server.folder}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
        ),
        cwd=server.folder,
        environment={"PGPASSWORD": replication_password},
    )


def _whole_blocks(size_bytes: int) -> int:
    """PostgreSQL has whole blocks only; a share of a stage's size (--scale) need not be."""
    return size_bytes // BLOCK_BYTES * BLOCK_BYTES


def serve(
    programs: Programs, server: Postgres, size: StackSize, account: Account | None, name: str = "postgres"
) -> Command:
    """Configure the cluster and serve it."""
    (server.folder.parent / "initdb-password").unlink(missing_ok=True)
    text = configuration(size, address=LOOPBACK, port=server.port)
    write_private(server.folder / "postgresql.conf", text, account)
    # SIGQUIT: end at once, without a checkpoint of data that is about to be removed, and give back shared memory.
    return Command(
        name,
        (str(programs.postgres), "-D", str(server.folder)),
        cwd=server.folder,
        stop_signal=signal.SIGQUIT,
        backing=True,
    )


def answers(server: Postgres) -> bool:
    """Whether it takes connections."""
    try:
        psycopg.connect(_maintenance(server), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _maintenance(server: Postgres) -> str:
    return server.dsn().rpartition("/")[0] + "/postgres"


def make_database(server: Postgres, size: StackSize, replication_password: str) -> None:
    """The roles of the application and of replicas, the database, and the extension that the samplers read."""
    timeout_ms = round(size.postgres_statement_timeout_seconds * 1000)
    with psycopg.connect(_maintenance(server), autocommit=True) as connection:
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(server.role_password)))
        # Of the role, not of the connection: PgBouncer before 1.20 refuses the startup parameter "options".
        connection.execute(
            sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(role, sql.Literal(f"{timeout_ms}ms"))
        )
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN REPLICATION PASSWORD {}").format(
                sql.Identifier(REPLICATOR), sql.Literal(replication_password)
            )
        )
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")


def followers(server: Postgres) -> int:
    """How many replicas stream from it now. Raises psycopg.Error."""
    with psycopg.connect(server.dsn(), autocommit=True, connect_timeout=2) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").fetchone()
    assert row is not None
    return int(row[0])


def has_caught_up(server: Postgres, primary: Postgres) -> bool:
    """Whether a replica has replayed everything that the primary has written so far. Raises psycopg.Error."""
    with psycopg.connect(primary.dsn(), autocommit=True, connect_timeout=2) as connection:
        row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    with psycopg.connect(server.dsn(), autocommit=True, connect_timeout=2) as connection:
        behind = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone()
    return behind == (True,)


def read_back_replica(server: Postgres, primary: Postgres, size: StackSize) -> tuple[ReadBack, ...]:
    """Ask the primary who follows it, and the replica for its sizes and whether it only reads."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        rows = connection.execute("SELECT name, setting FROM pg_settings").fetchall()
    settings = {str(name): str(setting) for name, setting in rows}
    buffers = int(settings["shared_buffers"]) * int(settings["block_size"])
    wanted = _whole_blocks(size.postgres_shared_buffers_bytes)
    return (
        compare("postgres", "streaming replicas", size.read_replicas, followers(primary)),
        compare("replica", "transaction_read_only", "on", settings["transaction_read_only"]),
        compare("replica", "max_connections", size.postgres_max_connections, int(settings["max_connections"])),
        compare("replica", "shared_buffers", wanted, buffers, unit="bytes"),
    )


def read_back(server: Postgres, size: StackSize, application_dsn: str) -> tuple[ReadBack, ...]:
    """Ask the running server for its sizes, and a session of the application for its timeout."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        rows = connection.execute("SELECT name, setting, unit FROM pg_settings").fetchall()
    settings = {name: setting for name, setting, _ in rows}
    with psycopg.connect(application_dsn, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute("SELECT setting::integer FROM pg_settings WHERE name = 'statement_timeout'").fetchone()
    assert row is not None
    buffers = int(settings["shared_buffers"]) * int(settings["block_size"])
    wanted = _whole_blocks(size.postgres_shared_buffers_bytes)
    return (
        compare("postgres", "max_connections", size.postgres_max_connections, int(settings["max_connections"])),
        compare("postgres", "shared_buffers", wanted, buffers, unit="bytes"),
        compare(
            "postgres",
            "statement_timeout",
            size.postgres_statement_timeout_seconds,
            row[0] / 1000,
            unit="s",
            note="in a session of the application's role",
        ),
        compare("postgres", "fsync", "on", settings["fsync"]),
        compare("postgres", "track_io_timing", "on", settings["track_io_timing"]),
        compare("postgres", "shared_preload_libraries", "pg_stat_statements", settings["shared_preload_libraries"]),
        recorded("postgres", "superuser_reserved_connections", settings["superuser_reserved_connections"]),
        recorded("postgres", "server_version", settings["server_version"]),
    )


def shared_memory_id(postmaster_pid: str) -> tuple[int, int] | None:
    """Key and id of the System V segment, from the text of postmaster.pid (its line 7)."""
    lines = postmaster_pid.splitlines()
    words = lines[6].split() if len(lines) > 6 else []
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def remove_shared_memory(stack_folder: Path, segments: Path = Path("/proc/sysvipc/shm")) -> bool:
    """That of each of the stack's clusters; whether there was any."""
    removed = [_remove_segment(stack_folder / name, segments) for name in (FOLDER, REPLICA_FOLDER)]
    return any(removed)


def _remove_segment(cluster: Path, segments: Path) -> bool:
    """Remove what a PostgreSQL that was killed (by the kernel for memory, say) could not remove itself: one small
    System V segment, found by the id in postmaster.pid, and only if its key agrees and nobody uses it."""
    try:
        found = shared_memory_id((cluster / "postmaster.pid").read_text())
        rows = [line.split() for line in segments.read_text().splitlines()[1:]]
    except (OSError, ValueError):
        return False
    if found is None:
        return False
    key, identity = found
    for row in rows:  # key shmid perms size cpid lpid nattch …; the key is printed signed
        if int(row[0]) % 2**32 == key % 2**32 and int(row[1]) == identity and int(row[6]) == 0:
            remove = 0  # IPC_RMID
            return bool(ctypes.CDLL(None).shmctl(identity, remove, None) == 0)
    return False
