"""Course Organizer over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from refapp.auth import signed_in
from refapp.cache import cached, forget
from refapp.config import settings
from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.course_organizer import queries
from refapp.reading import connect_to_read
from refapp.users import User
from refapp.validation import MAX_ID, client_id, json_object, text

MAX_TITLE = 200
MAX_BODY = 5_000
MAX_TEXT = 2_000

blueprint = Blueprint(
    "course_organizer",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/course-organizer",
)

_COURSE = f"<int(min=1, max={MAX_ID}):course>"
_GROUP = f"<int(min=1, max={MAX_ID}):group>"


@blueprint.get("/api/courses")
@signed_in
def list_courses(user: User) -> ResponseReturnValue:
    """The user's courses."""
    with connect_to_read(user) as connection:
        return jsonify(items=queries.courses_of(connection, user))


@blueprint.get(f"/api/courses/{_COURSE}/timeline")
@signed_in
def show_timeline(_user: User, course: int) -> ResponseReturnValue:
    """A course's timeline, out of the cache where it is kept."""
    return jsonify(_timeline(course))


@blueprint.get(f"/courses/{_COURSE}")
@signed_in
def timeline_page(user: User, course: int) -> ResponseReturnValue:
    """The same, for people, with their courses; its script asks for their groups and last messages."""
    with connect_to_read(user) as connection:
        courses = queries.courses_of(connection, user)
    return render_template("course_organizer/timeline.html", timeline=_timeline(course), courses=courses, user=user)


def _timeline(course: int) -> dict[str, Any]:
    def make() -> dict[str, Any] | None:
        with connect() as connection:
            return queries.timeline(connection, course)

    found: dict[str, Any] | None = cached(_key(course), settings().cache_seconds, make)
    if found is None:
        raise ApiError(404, "no such course")
    return found


@blueprint.post(f"/api/courses/{_COURSE}/timeline")
@signed_in
def add_item(user: User, course: int) -> ResponseReturnValue:
    """A new item; the timeline that is kept is out of date with it."""
    body = json_object()
    written = client_id(body.get("client_id"))
    title, content = text(body, "title", MAX_TITLE), text(body, "body", MAX_BODY)
    with connect() as connection:
        item = queries.add_item(connection, user, course, written, title=title, body=content)
    if item is None:
        raise ApiError(404, "no such course")
    forget(_key(course))
    return jsonify(id=item, client_id=written), 201


def _key(course: int) -> str:
    return f"timeline:{course}"


@blueprint.get("/api/groups")
@signed_in
def list_groups(user: User) -> ResponseReturnValue:
    """The user's study groups."""
    with connect_to_read(user) as connection:
        return jsonify(items=queries.groups_of(connection, user))


@blueprint.get(f"/api/groups/{_GROUP}/messages")
@signed_in
def list_messages(user: User, group: int) -> ResponseReturnValue:
    """A group's last messages, newest first."""
    with connect_to_read(user) as connection:
        found = queries.newest_messages(connection, group)
        if not found:  # only then is it worth a statement
            _check_group(queries.group_exists(connection, group))
    return jsonify(items=found)


@blueprint.post(f"/api/groups/{_GROUP}/messages")
@signed_in
def post_message(user: User, group: int) -> ResponseReturnValue:
    """A message by somebody who has no socket open."""
    body = json_object()
    written, said = client_id(body.get("client_id")), text(body, "text", MAX_TEXT)
    with connect() as connection:
        _check_group(queries.group_exists(connection, group))
        message, _ = queries.say(connection, user, group, written, said)
    return jsonify(id=message, client_id=written), 201


def _check_group(there: bool) -> None:
    if not there:
        raise ApiError(404, "no such group")
