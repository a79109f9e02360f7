"""Lessons and the dashboard over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from refapp.auth import signed_in
from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.lectio import queries
from refapp.reading import connect_to_read
from refapp.users import User
from refapp.validation import MAX_ID, client_id, json_object, number, text

MAX_TITLE = 200
MAX_DESCRIPTION = 10_000

blueprint = Blueprint("lectio", __name__, template_folder="templates")

_ID = f"<int(min=1, max={MAX_ID}):lesson_id>"


@blueprint.get("/api/lessons")
@signed_in
def list_lessons(user: User) -> ResponseReturnValue:
    """A page of the user's lessons."""
    page, per_page = number("page", 1, 1, 10_000), number("per_page", 20, 1, 100)
    with connect_to_read(user) as connection:
        items, total = queries.page_of_lessons(connection, user, page, per_page)
    return jsonify(items=items, page=page, pages=-(-total // per_page), total=total)


@blueprint.get(f"/api/lessons/{_ID}")
@signed_in
def show_lesson(user: User, lesson_id: int) -> ResponseReturnValue:
    """One lesson."""
    return jsonify(_lesson(user, lesson_id))


@blueprint.get(f"/lessons/{_ID}")
@signed_in
def lesson_page(user: User, lesson_id: int) -> ResponseReturnValue:
    """One lesson, for people."""
    return render_template("lectio/lesson.html", lesson=_lesson(user, lesson_id), user=user)


def _lesson(user: User, lesson_id: int) -> dict[str, Any]:
    with connect_to_read(user) as connection:
        lesson = queries.lesson_detail(connection, lesson_id)
    if lesson is None:
        raise ApiError(404, "no such lesson")
    return lesson


@blueprint.get("/api/dashboard")
@signed_in
def show_dashboard(user: User) -> ResponseReturnValue:
    """The user's sums."""
    with connect_to_read(user) as connection:
        return jsonify(queries.dashboard(connection, user))


@blueprint.post("/api/lessons")
@signed_in
def create_lesson(user: User) -> ResponseReturnValue:
    """A new lesson for the teacher's class."""
    identity, title, description = _written_by(user)
    with connect() as connection:
        lesson_id = queries.create_lesson(connection, user, identity, title, description)
    return jsonify(id=lesson_id, client_id=identity), 201


@blueprint.put(f"/api/lessons/{_ID}")
@signed_in
def change_lesson(user: User, lesson_id: int) -> ResponseReturnValue:
    """A new revision of one of the teacher's lessons."""
    identity, title, description = _written_by(user)
    with connect() as connection:
        changed = queries.change_lesson(connection, user, lesson_id, identity, title, description)
    if changed is None:
        raise ApiError(404, "no such lesson of yours")
    return jsonify(id=changed, client_id=identity)


def _written_by(user: User) -> tuple[str, str, str]:
    if user.role != "teacher":
        raise ApiError(403, "only teachers write lessons")
    body = json_object()
    return client_id(body.get("client_id")), text(body, "title", MAX_TITLE), text(body, "description", MAX_DESCRIPTION)
