"""The databases of this process, the primary and a replica where there is one: a SQLAlchemy engine each, made when
it is first used.

Made late, since gunicorn and Celery fork: a connection opened before the fork would be shared by both processes.
"""

from __future__ import annotations

from functools import cache
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

from refapp.config import settings
from refapp.metrics import POOL_WAIT_SECONDS, QUERY_SECONDS, count_statement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def engine() -> Engine:
    """The primary's."""
    return _engine(settings().database_url)


@cache
def _engine(url: str) -> Engine:
    """Autocommitting: every write of a request is one statement, so BEGIN and COMMIT would only be two more round trips
    in which a connection sits idle in a transaction."""
    config = settings()
    made = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=config.db_pool_size,
        max_overflow=config.db_max_overflow,
        pool_timeout=config.db_pool_timeout_seconds,
        pool_recycle=config.db_pool_recycle_seconds,
        pool_pre_ping=config.db_pool_pre_ping,
        pool_use_lifo=True,  # the busiest connections stay warm
        pool_reset_on_return=None,  # nothing to roll back
        use_native_hstore=False,  # would look up a type's id on every first connection
        connect_args={
            "application_name": "refapp",
            "connect_timeout": 5,
            # Behind a transaction pooler the next statement may reach a server that never saw the preparation.
            "prepare_threshold": None if config.db_transaction_pooling else 5,
        },
    )
    event.listen(made, "before_cursor_execute", _start_clock)
    event.listen(made, "after_cursor_execute", _stop_clock)
    return made


def connect() -> Connection:
    """A connection of the pool, for a ``with`` statement.

    Raises sqlalchemy.exc.TimeoutError when none comes free in time, OperationalError when the server cannot be reached.
    """
    with POOL_WAIT_SECONDS.time():
        return engine().connect()


def connect_to_replica() -> Connection:
    """The same to the replica, which only reads and follows the primary a moment later; ``reading`` says who may."""
    with POOL_WAIT_SECONDS.time():
        return _engine(settings().read_database_url).connect()


def _start_clock(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    context.refapp_started = perf_counter()


def _stop_clock(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    QUERY_SECONDS.observe(perf_counter() - context.refapp_started)
    count_statement()
