"""Alive, and able to work."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Response, jsonify
from redis import Redis
from sqlalchemy import text

from refapp.db import connect
from refapp.redis_client import redis_client

blueprint = Blueprint("health", __name__)
_PROBE = text("SELECT 1")
_TIMEOUT_SECONDS = 5.0


@cache
def _redis() -> Redis:
    return redis_client(_TIMEOUT_SECONDS)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Database and Redis answer; 503 through the error handlers when one does not."""
    with connect() as connection:
        connection.execute(_PROBE)
    _redis().ping()
    return jsonify(status="ok")
