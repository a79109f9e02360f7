"""Every failure is an answer: JSON ``{"error": …}`` with the status that fits."""

from __future__ import annotations

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

UNAVAILABLE = (DBAPIError, PoolTimeout, RedisError, BrokerError)
"""What a dependency that fails raises: the database, its pool, Redis, the broker."""


class ApiError(Exception):
    """The request cannot be answered as asked: a status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


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
        current_app.logger.warning("unavailable: %s", type(error).__name__, exc_info=error)
        return jsonify(error="temporarily unavailable"), 503

    for kind in UNAVAILABLE:
        app.register_error_handler(kind, unavailable)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        current_app.logger.error("request failed", exc_info=error)
        return jsonify(error="internal error"), 500
