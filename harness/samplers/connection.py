"""Connections that samplers keep open from sample to sample, each bounded in time.

An error closes the connection, so that the next sample starts on a new one.
"""

from __future__ import annotations

import http.client
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from harness.samplers.base import FETCH_TIMEOUT_SECONDS
from harness.store.read import SAMPLER_USER_AGENT

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[dict[str, Any]]):
    """A connection on which no query waits longer than ``patience_seconds``, not even for a server that was
    stopped in the middle of it (where neither statement_timeout nor TCP would notice)."""

    patience_seconds: ClassVar[float] = FETCH_TIMEOUT_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Psycopg's own wait, with a bound."""
        try:
            return super().wait(gen, interval, self.patience_seconds if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            raise TimeoutError(f"no answer in {self.patience_seconds:g} s") from error


class PostgresConnection:
    """Speaks to PostgreSQL, or to PgBouncer's console, in autocommit; connects when first asked."""

    def __init__(self, dsn: str, *, setup: Sequence[str] = ()) -> None:
        self._dsn = dsn
        self._setup = setup
        self._connection: BoundedConnection | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection already."""
        return self._connection is not None

    def rows(self, query: str, *, prepare: bool) -> list[dict[str, Any]]:
        """Every row of the answer. Raises psycopg.Error or TimeoutError.

        prepare: False for PgBouncer's console, which knows the simple protocol only.
        """
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                return cursor.execute(query.encode(), prepare=prepare).fetchall()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> BoundedConnection:
        connection = BoundedConnection.connect(
            self._dsn,
            autocommit=True,
            prepare_threshold=None,
            row_factory=dict_row,
            connect_timeout=math.ceil(FETCH_TIMEOUT_SECONDS),
            application_name=SAMPLER_USER_AGENT,
        )
        self._connection = connection
        for statement in self._setup:
            connection.execute(statement.encode())
        return connection

    def close(self) -> None:
        """Close the connection; the next query opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class RedisConnection:
    """Sends commands to Redis in one round trip and returns the replies as the server sent them."""

    def __init__(self, url: str) -> None:
        # A bare connection instead of a client: no pool, no callbacks, a third of the CPU.
        self._connection: Any = redis.ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=FETCH_TIMEOUT_SECONDS,
            socket_connect_timeout=FETCH_TIMEOUT_SECONDS,
            retry=None,
            client_name=SAMPLER_USER_AGENT,
        ).make_connection()

    def connect(self) -> None:
        """Connect, unless connected. Raises redis.RedisError."""
        self._connection.connect()

    def replies(self, *commands: tuple[str, ...]) -> list[Any]:
        """The reply to each command. Raises redis.RedisError."""
        if not commands:
            return []
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._connection.read_response() for _ in commands]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next command opens another."""
        self._connection.disconnect()


class HttpConnection:
    """Gets one URL again and again over one connection, as ``SAMPLER_USER_AGENT``."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError("a sampler's URL begins with http:// and names a host")
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"User-Agent": SAMPLER_USER_AGENT, **(headers or {})}
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=FETCH_TIMEOUT_SECONDS)

    def get(self) -> bytes:
        """The body. Raises OSError or http.client.HTTPException, also when the answer is not 200."""
        kept = self._connection.sock is not None
        try:
            return self._get()
        except (http.client.RemoteDisconnected, ConnectionError):
            if not kept:
                raise
            return self._get()  # the server had ended the connection while it was idle, as it may

    def _get(self) -> bytes:
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            response = self._connection.getresponse()
            body = response.read()
            if response.status != http.client.OK:
                raise http.client.HTTPException(f"answered {response.status}")
        except BaseException:
            self.close()
            raise
        return body

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()
