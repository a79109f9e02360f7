"""The flight school over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from refapp.auth import signed_in
from refapp.cache import cached, forget
from refapp.config import settings
from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.flight_school import queries
from refapp.reading import connect_to_read
from refapp.users import User
from refapp.validation import MAX_ID, client_id, identity, json_object, number, text

MAX_TITLE = 200
MAX_CONTENT = 10_000
MAX_REMARKS = 2_000

blueprint = Blueprint("flight_school", __name__, template_folder="templates")

_ID = f"<int(min=1, max={MAX_ID}):number>"


@blueprint.get("/api/students")
@signed_in
def list_students(user: User) -> ResponseReturnValue:
    """The instructor's students."""
    _instructors_only(user)
    with connect_to_read(user) as connection:
        return jsonify(items=queries.students_of(connection, user))


@blueprint.get(f"/api/students/{_ID}/progress")
@signed_in
def show_progress(user: User, number: int) -> ResponseReturnValue:
    """A student's progress, summed up."""
    return jsonify(_progress(user, number))


@blueprint.get(f"/students/{_ID}")
@signed_in
def progress_page(user: User, number: int) -> ResponseReturnValue:
    """The same, for people."""
    return render_template("flight_school/progress.html", progress=_progress(user, number), user=user)


def _progress(user: User, student: int) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        with connect() as connection:
            return queries.progress(connection, student)

    if student != user.id:
        with connect() as connection:
            if not queries.may_see(connection, user, student):
                raise ApiError(404, "no such student of yours")
    found: dict[str, Any] = cached(_key(student), settings().cache_seconds, make)
    return found


def _key(student: int) -> str:
    return f"progress:{student}"


@blueprint.get("/api/plans")
@signed_in
def list_plans(user: User) -> ResponseReturnValue:
    """A page of lesson plans."""
    page, per_page = number("page", 1, 1, 10_000), number("per_page", 20, 1, 100)
    with connect_to_read(user) as connection:
        items, total = queries.page_of_plans(connection, user, page, per_page)
    return jsonify(items=items, page=page, pages=-(-total // per_page), total=total)


@blueprint.get(f"/api/plans/{_ID}")
@signed_in
def show_plan(user: User, number: int) -> ResponseReturnValue:
    """One lesson plan."""
    with connect_to_read(user) as connection:
        plan = queries.plan_detail(connection, number)
    if plan is None:
        raise ApiError(404, "no such lesson plan")
    return jsonify(plan)


@blueprint.post("/api/plans")
@signed_in
def write_plan(user: User) -> ResponseReturnValue:
    """A new lesson plan."""
    _instructors_only(user)
    body = json_object()
    written = client_id(body.get("client_id"))
    title, content = text(body, "title", MAX_TITLE), text(body, "content", MAX_CONTENT)
    with connect() as connection:
        plan = queries.write_plan(connection, user, written, title, content)
    return jsonify(id=plan, client_id=written), 201


@blueprint.post("/api/flights")
@signed_in
def log_flight(user: User) -> ResponseReturnValue:
    """A flight that a student has flown; the summary of their progress is out of date with it."""
    _instructors_only(user)
    body = json_object()
    written, student, plan = client_id(body.get("client_id")), identity(body, "student_id"), identity(body, "plan_id")
    minutes, grade = _within(body, "minutes", 600), _within(body, "grade", 5)
    remarks = text(body, "remarks", MAX_REMARKS)
    with connect() as connection:
        if not queries.may_see(connection, user, student):
            raise ApiError(404, "no such student of yours")
        try:
            flight = queries.log_flight(
                connection, written, student=student, plan=plan, minutes=minutes, grade=grade, remarks=remarks
            )
        except IntegrityError as error:
            raise ApiError(400, "no such lesson plan") from error
    forget(_key(student))
    return jsonify(id=flight, client_id=written), 201


def _instructors_only(user: User) -> None:
    if user.role != "instructor":
        raise ApiError(403, "instructors only")


def _within(body: dict[str, Any], name: str, most: int) -> int:
    value = identity(body, name)
    if value > most:
        raise ApiError(400, f"{name} is more than {most}")
    return value
