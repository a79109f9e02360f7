"""Mina over HTTP: meetings and analytics, each kept in the cache for the plan's time and dropped when it changes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from refapp.auth import signed_in
from refapp.cache import cached, forget
from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.mina import queries
from refapp.products.mina.settings import mina_settings
from refapp.users import User
from refapp.validation import MAX_ID, client_id, identity, json_object, number, text

MAX_TITLE = 200
PER_PAGE = 20
CACHED_PAGES = 10
"""Pages of a list that are kept, and dropped together."""

blueprint = Blueprint("mina", __name__, template_folder="templates")

_ID = f"<int(min=1, max={MAX_ID}):meeting>"


@blueprint.get("/api/meetings")
@signed_in
def list_meetings(user: User) -> ResponseReturnValue:
    """A page of the user's meetings."""
    page = number("page", 1, 1, CACHED_PAGES)
    return jsonify(items=_meetings(user, page), page=page)


@blueprint.get("/meetings")
@signed_in
def meetings_page(user: User) -> ResponseReturnValue:
    """The first of them, for people."""
    return render_template("mina/meetings.html", meetings=_meetings(user, 1), user=user)


def _meetings(user: User, page: int) -> list[dict[str, Any]]:
    def make() -> list[dict[str, Any]]:
        with connect() as connection:
            return queries.page_of_meetings(connection, user.id, page, PER_PAGE)

    found: list[dict[str, Any]] = cached(_page_key(user.id, page), mina_settings().meetings_list_seconds, make)
    return found


@blueprint.get(f"/api/meetings/{_ID}")
@signed_in
def show_meeting(_user: User, meeting: int) -> ResponseReturnValue:
    """One meeting."""

    def make() -> dict[str, Any] | None:
        with connect() as connection:
            return queries.meeting_detail(connection, meeting)

    found = cached(f"meeting:{meeting}", mina_settings().meeting_detail_seconds, make)
    if found is None:
        raise ApiError(404, "no such meeting")
    return jsonify(found)


@blueprint.get("/api/analytics/dashboard")
@signed_in
def show_dashboard(user: User) -> ResponseReturnValue:
    """The user's sums."""

    def make() -> dict[str, Any]:
        with connect() as connection:
            return queries.dashboard(connection, user.id)

    return jsonify(cached(_dashboard_key(user.id), mina_settings().dashboard_seconds, make))


@blueprint.get("/api/analytics/trends")
@signed_in
def show_trends(_user: User) -> ResponseReturnValue:
    """Everybody's sums."""

    def make() -> dict[str, Any]:
        with connect() as connection:
            return queries.trends(connection)

    return jsonify(cached(TRENDS_KEY, mina_settings().trends_seconds, make))


@blueprint.post("/api/meetings")
@signed_in
def add_meeting(user: User) -> ResponseReturnValue:
    """A new meeting: the list that is kept is out of date with it."""
    body = json_object()
    written, title = client_id(body.get("client_id")), text(body, "title", MAX_TITLE)
    with connect() as connection:
        meeting = queries.add_meeting(connection, user, written, title)
    forget(*(_page_key(user.id, page) for page in range(1, CACHED_PAGES + 1)))
    return jsonify(id=meeting, client_id=written), 201


@blueprint.post("/api/tasks")
@signed_in
def add_task(user: User) -> ResponseReturnValue:
    """A new task: the analytics that are kept are out of date with it."""
    body = json_object()
    written, title = client_id(body.get("client_id")), text(body, "title", MAX_TITLE)
    meeting = identity(body, "meeting_id")
    with connect() as connection:
        task = queries.add_task(connection, user, meeting, written, title)
    if task is None:
        raise ApiError(404, "no such meeting of yours")
    forget(_dashboard_key(user.id), TRENDS_KEY, f"meeting:{meeting}")
    return jsonify(id=task, client_id=written), 201


TRENDS_KEY = "analytics:trends:30d"


def _page_key(user: int, page: int) -> str:
    return f"meetings:user:{user}:page:{page}"


def _dashboard_key(user: int) -> str:
    return f"analytics:user:{user}:7d"
