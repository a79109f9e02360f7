"""Untrusted input, checked once where it comes in. Every function raises ApiError 400."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from refapp.errors import ApiError

_CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_ID = 2**31 - 1


def json_object() -> dict[str, Any]:
    """The request's body."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object")
    return body


def event_object(data: object) -> dict[str, Any]:
    """What a Socket.IO event carries."""
    if not isinstance(data, dict):
        raise ApiError(400, "the event carries no object")
    return data


def text(body: dict[str, Any], name: str, longest: int) -> str:
    """A field that holds some text, of at most ``longest`` characters."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ApiError(400, f"{name} is missing")
    if len(value) > longest:
        raise ApiError(400, f"{name} is longer than {longest} characters")
    if "\0" in value:
        raise ApiError(400, f"{name} holds a character that cannot be stored")
    return value


def client_id(value: object) -> str:
    """The id that the client made for its write."""
    if not isinstance(value, str) or not _CLIENT_ID.fullmatch(value):
        raise ApiError(400, "client_id must be 1 to 64 letters, digits, dots, colons, hyphens or underscores")
    return value


def identity(body: dict[str, Any], name: str) -> int:
    """The id of a row."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
        raise ApiError(400, f"{name} is not an id")
    return value


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query string."""
    raw = request.args.get(name)
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw[:9]) <= most:
        raise ApiError(400, f"{name} must be a whole number from {least} to {most}")
    return int(raw)
