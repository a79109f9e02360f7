"""Signing in, and knowing who is signed in: a signed token, as Bearer or as a cookie; nothing is kept on the server."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

import gevent
from flask import Blueprint, Response, jsonify, request
from itsdangerous import BadData, URLSafeTimedSerializer

from refapp.config import settings
from refapp.errors import ApiError
from refapp.reading import wrote
from refapp.users import User, find_by_email, hash_password, password_matches
from refapp.validation import json_object, text

P = ParamSpec("P")
R = TypeVar("R")

TOKEN_SECONDS = 12 * 3600
COOKIE = "token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})

blueprint = Blueprint("auth", __name__)


@cache
def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="refapp.token")


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody", settings().password_cost, b"nobody's salt")


def make_token(user: User) -> str:
    """A token that says who this is, valid for twelve hours."""
    return _serializer().dumps([user.id, user.role, user.name])


def read_token(token: object) -> User | None:
    """Whose token it is; None when it is forged, too old or no token at all."""
    if not isinstance(token, str):
        return None
    try:
        user_id, role, name = _serializer().loads(token, max_age=TOKEN_SECONDS)
    except BadData:
        return None
    return User(user_id, role, name)


def signed_in(view: Callable[Concatenate[User, P], R]) -> Callable[P, R]:
    """Hand the view the user of the request as its first argument, and note that they wrote; answer 401 without one."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        user = read_token(bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE))
        if user is None:
            raise ApiError(401, "sign in first")
        answer = view(user, *args, **kwargs)
        if request.method not in READING:
            wrote(user)
        return answer

    return guarded


@blueprint.post("/login")
def login() -> Response:
    """Exchange an address and a password for a token."""
    body = json_object()
    email, password = text(body, "email", 200), text(body, "password", 200)
    found = find_by_email(email)
    # Hashing takes as long for an unknown address, which would otherwise be told by its time. In a thread, since the
    # hash lets go of the interpreter's lock: on the event loop it would keep every other request waiting.
    stored = _nobodys_hash() if found is None else found[1]
    matches = gevent.get_hub().threadpool.apply(password_matches, (password, stored))
    if found is None or not matches:
        raise ApiError(401, "wrong address or password")
    user = found[0]
    token = make_token(user)
    response = jsonify(token=token, user={"id": user.id, "role": user.role, "name": user.name})
    response.set_cookie(COOKIE, token, max_age=TOKEN_SECONDS, httponly=True, samesite="Lax")
    return response
