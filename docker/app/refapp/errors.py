"""Every failure is an answer: JSON ``{"error": …}`` with the status that fits."""

from __future__ import annotations

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from refapp.metrics import CONNECTIONS_REFUSED

UNAVAILABLE = (DBAPIError, PoolTimeout, RedisError, BrokerError)
"""What a dependency that fails raises: the database, its pool, Redis, the broker."""


class ApiError(Exception):
    """The request cannot be answered as asked: a status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_NO_CONNECTION_LEFT = (
    "connection slots are reserved",
    "too many clients",
    "too many connections",  # for a role or a database
    "no more connections allowed",  # PgBouncer
)


def is_refused_connection(error: BaseException) -> bool:
    """Whether PostgreSQL or PgBouncer had no connection left. Its words are all there is: a connection that never came
    about carries no SQLSTATE (53300)."""
    said = str(error.orig) if isinstance(error, DBAPIError) else ""
    return any(words in said for words in _NO_CONNECTION_LEFT)


def answer_errors(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> ResponseReturnValue:
        return jsonify(error=error.message), error.status

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        return jsonify(error=error.name.lower()), error.code or 500

    def unavailable(error: Exception) -> ResponseReturnValue:
        if isinstance(error, DataError):  # the database's own word for a value it cannot hold
            return jsonify(error="a value cannot be stored"), 400
        if isinstance(error, IntegrityError):
            return jsonify(error="in conflict with what is stored"), 409
        if is_refused_connection(error):
            CONNECTIONS_REFUSED.inc()
        current_app.logger.warning("unavailable: %s", type(error).__name__, exc_info=error)
        return jsonify(error="temporarily unavailable"), 503

    for kind in UNAVAILABLE:
        app.register_error_handler(kind, unavailable)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        current_app.logger.error("request failed", exc_info=error)
        return jsonify(error="internal error"), 500
