"""The flight school's statements, each built once. A write is one statement and does nothing when its ``client_id`` is
known already."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Connection, Float, bindparam, cast, exists, extract, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from refapp.config import settings
from refapp.products.flight_school.tables import flights, lesson_plans, trainings
from refapp.users import User, users

LAST_FLIGHTS = 10

_ME: BindParameter[int] = bindparam("me")
_STUDENT: BindParameter[int] = bindparam("student")

_hours = (func.coalesce(func.sum(flights.c.minutes), 0) / 60.0).cast(Float)
_STUDENTS = (
    select(users.c.id, users.c.name, func.count(flights.c.id).label("flights"), _hours.label("hours"))
    .join(trainings, trainings.c.student_id == users.c.id)
    .outerjoin(flights, flights.c.student_id == users.c.id)
    .where(trainings.c.instructor_id == _ME)
    .group_by(users.c.id, users.c.name)
    .order_by(users.c.id)
)
_NAMES = (
    select(users.c.id, users.c.name)
    .join(trainings, trainings.c.student_id == users.c.id)
    .where(trainings.c.instructor_id == _ME)
    .order_by(users.c.id)
)
_SUMS = select(func.count(flights.c.id).label("flights"), _hours.label("hours")).where(flights.c.student_id == _STUDENT)
_MAY_SEE = select(
    exists().where(
        trainings.c.student_id == _STUDENT, or_(trainings.c.instructor_id == _ME, trainings.c.student_id == _ME)
    )
)
_SUMMARY = select(
    func.count().label("flights"),
    _hours.label("hours"),
    func.coalesce(func.avg(flights.c.grade), 0).cast(Float).label("grade"),
    func.count(flights.c.plan_id.distinct()).label("plans"),
).where(flights.c.student_id == _STUDENT)
_LAST = (
    select(
        flights.c.id,
        lesson_plans.c.title,
        flights.c.minutes,
        flights.c.grade,
        flights.c.remarks,
        cast(extract("epoch", flights.c.flown_at), Float).label("flown_at"),
    )
    .join(lesson_plans, lesson_plans.c.id == flights.c.plan_id)
    .where(flights.c.student_id == _STUDENT)
    .order_by(flights.c.flown_at.desc(), flights.c.id.desc())
    .limit(LAST_FLIGHTS)
)
_INSTRUCTOR = select(trainings.c.instructor_id).where(trainings.c.student_id == _ME).scalar_subquery()
_PLANS = (
    select(lesson_plans.c.id, lesson_plans.c.title, func.count().over().label("total"))
    .where(lesson_plans.c.instructor_id == func.coalesce(_INSTRUCTOR, _ME))
    .order_by(lesson_plans.c.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_PLAN = (
    select(lesson_plans.c.id, lesson_plans.c.title, lesson_plans.c.content, users.c.name.label("instructor"))
    .join(users, users.c.id == lesson_plans.c.instructor_id)
    .where(lesson_plans.c.id == bindparam("plan"))
)
_WRITE_PLAN = (
    insert(lesson_plans)
    .values(
        instructor_id=_ME,
        title=bindparam("title"),
        content=bindparam("content"),
        client_id=bindparam("client_id"),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(lesson_plans.c.id)
)
_KNOWN_PLAN = select(lesson_plans.c.id).where(lesson_plans.c.client_id == bindparam("client_id"))
_LOG = (
    insert(flights)
    .values(
        student_id=_STUDENT,
        plan_id=bindparam("plan"),
        minutes=bindparam("minutes"),
        grade=bindparam("grade"),
        remarks=bindparam("remarks"),
        client_id=bindparam("client_id"),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(flights.c.id)
)
_KNOWN_FLIGHT = select(flights.c.id).where(flights.c.client_id == bindparam("client_id"))


def students_of(connection: Connection, user: User) -> list[dict[str, Any]]:
    """The instructor's students with what they have flown; with N_PLUS_ONE a statement for each student, as an
    application that was not optimized would ask."""
    if not settings().n_plus_one:
        return [dict(row._mapping) for row in connection.execute(_STUDENTS, {"me": user.id})]
    people = [dict(row._mapping) for row in connection.execute(_NAMES, {"me": user.id})]
    for person in people:
        person.update(connection.execute(_SUMS, {"student": person["id"]}).one()._mapping)
    return people


def may_see(connection: Connection, user: User, student: int) -> bool:
    """Whether the student is theirs, or they themselves."""
    return bool(connection.execute(_MAY_SEE, {"me": user.id, "student": student}).scalar_one())


def progress(connection: Connection, student: int) -> dict[str, Any]:
    """A student's sums and last flights."""
    parameters = {"student": student}
    summary = dict(connection.execute(_SUMMARY, parameters).one()._mapping)
    last = [dict(row._mapping) for row in connection.execute(_LAST, parameters)]
    return {"student": student, **summary, "last": last}


def page_of_plans(connection: Connection, user: User, page: int, per_page: int) -> tuple[list[dict[str, Any]], int]:
    """The plans of the instructor, or of the student's instructor, newest first; and how many there are."""
    rows = connection.execute(_PLANS, {"me": user.id, "limit": per_page, "offset": (page - 1) * per_page}).all()
    return [{"id": row.id, "title": row.title} for row in rows], rows[0].total if rows else 0


def plan_detail(connection: Connection, plan: int) -> dict[str, Any] | None:
    """One lesson plan."""
    row = connection.execute(_PLAN, {"plan": plan}).one_or_none()
    return None if row is None else dict(row._mapping)


def write_plan(connection: Connection, user: User, client_id: str, title: str, content: str) -> int:
    """A new lesson plan; its id, also when it is known already."""
    values = {"me": user.id, "client_id": client_id, "title": title, "content": content}
    return _written(connection, _WRITE_PLAN, _KNOWN_PLAN, values)


def log_flight(connection: Connection, client_id: str, **values: Any) -> int:
    """A flight of a student; its id, also when it is known already. Raises IntegrityError without such a plan."""
    return _written(connection, _LOG, _KNOWN_FLIGHT, {"client_id": client_id, **values})


def _written(connection: Connection, write: Any, known: Any, values: dict[str, Any]) -> int:
    row = connection.execute(write, values).first() or connection.execute(known, values).one()
    return int(row.id)
