"""Lectio's statements on lessons, each built once.

A page costs one or two statements, whatever its length; a write is one statement, hence one transaction, and does
nothing when its ``client_id`` is known already. The statements of a teacher and of a student differ in which lessons
are theirs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    CursorResult,
    Float,
    Select,
    bindparam,
    cast,
    extract,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from refapp.products.lectio.tables import attendances, classes, enrolments, lesson_revisions, lessons, messages
from refapp.uploads.tables import uploads
from refapp.users import User, users

LAST_MESSAGES = 20

_ME: BindParameter[int] = bindparam("me")
_CLIENT_ID: BindParameter[str] = bindparam("client_id")
_MINE: dict[str, ColumnElement[bool]] = {
    "teacher": lessons.c.teacher_id == _ME,
    "student": lessons.c.class_id.in_(select(enrolments.c.class_id).where(enrolments.c.student_id == _ME)),
}


def _epoch(column: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(extract("epoch", column), Float)


def _page(mine: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            lessons.c.id,
            lessons.c.title,
            _epoch(lessons.c.starts_at).label("starts_at"),
            classes.c.name.label("class_name"),
            func.count().over().label("total"),
        )
        .join(classes, classes.c.id == lessons.c.class_id)
        .where(mine)
        .order_by(lessons.c.starts_at.desc(), lessons.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


def _dashboard(mine: ColumnElement[bool], attended_by: ColumnElement[bool] | None) -> Select[Any]:
    own = select(lessons.c.id, lessons.c.class_id).where(mine).cte("own")
    attended = select(
        func.count().label("expected"), func.coalesce(func.sum(attendances.c.present), 0).label("present")
    ).join_from(own, attendances, attendances.c.lesson_id == own.c.id)
    if attended_by is not None:
        attended = attended.where(attended_by)
    attendance = attended.subquery("attendance")
    own_uploads = (
        select(
            func.count().label("uploads"),
            func.count().filter(uploads.c.status == "finished").label("finished"),
        )
        .where(uploads.c.user_id == _ME)
        .subquery("own_uploads")
    )
    chat = select(func.count()).join_from(own, messages, messages.c.lesson_id == own.c.id)
    people = select(func.count()).where(enrolments.c.class_id.in_(select(own.c.class_id)))
    return select(
        select(func.count()).select_from(own).scalar_subquery().label("lessons"),
        people.scalar_subquery().label("students"),
        chat.scalar_subquery().label("messages"),
        attendance.c.expected.label("attendances_expected"),
        attendance.c.present.label("attendances"),
        own_uploads.c.uploads,
        own_uploads.c.finished.label("uploads_finished"),
    ).select_from(attendance.join(own_uploads, literal_column("true")))


_PAGE = {role: _page(mine) for role, mine in _MINE.items()}
_TOTAL = {role: select(func.count()).select_from(lessons).where(mine) for role, mine in _MINE.items()}
_DASHBOARD = {
    "teacher": _dashboard(_MINE["teacher"], None),
    "student": _dashboard(_MINE["student"], attendances.c.student_id == _ME),
}
_LESSON = (
    select(
        lessons.c.id,
        lessons.c.title,
        lessons.c.description,
        _epoch(lessons.c.starts_at).label("starts_at"),
        classes.c.name.label("class_name"),
        users.c.name.label("teacher"),
        select(func.coalesce(func.sum(attendances.c.present), 0))
        .where(attendances.c.lesson_id == lessons.c.id)
        .scalar_subquery()
        .label("attendees"),
    )
    .join(classes, classes.c.id == lessons.c.class_id)
    .join(users, users.c.id == lessons.c.teacher_id)
    .where(lessons.c.id == bindparam("lesson_id"))
)
_EXISTS = select(lessons.c.id).where(lessons.c.id == bindparam("lesson_id"))
_MESSAGES = (
    select(
        messages.c.id,
        messages.c.user_id,
        users.c.name.label("author"),
        messages.c.text,
        _epoch(messages.c.created_at).label("created_at"),
    )
    .join(users, users.c.id == messages.c.user_id)
    .where(messages.c.lesson_id == bindparam("lesson_id"))
    .order_by(messages.c.id.desc())
    .limit(LAST_MESSAGES)
)

_REVISED = select(lesson_revisions.c.lesson_id).where(lesson_revisions.c.client_id == _CLIENT_ID)
_REVISION_COLUMNS = ["client_id", "lesson_id", "author_id", "title", "description"]
_TEXTS: tuple[BindParameter[str], BindParameter[str]] = (bindparam("title"), bindparam("description"))


def _revision(source: Select[Any]) -> Any:
    return (
        insert(lesson_revisions)
        .from_select(_REVISION_COLUMNS, source)
        .on_conflict_do_nothing(index_elements=["client_id"])
        .returning(lesson_revisions.c.lesson_id, lesson_revisions.c.title, lesson_revisions.c.description)
        .cte("revision")
    )


def _create() -> Any:
    # The revision comes first, since it is what tells whether this client_id is new; the lesson's id is drawn for it,
    # and the reference between them is checked when the statement ends.
    new_id = func.nextval(func.pg_get_serial_sequence("lessons", "id"))
    own_class = select(func.min(classes.c.id)).where(classes.c.teacher_id == _ME).scalar_subquery()
    revision = _revision(select(_CLIENT_ID, new_id, _ME, *_TEXTS))
    return (
        insert(lessons)
        .from_select(
            ["id", "class_id", "teacher_id", "title", "description"],
            select(revision.c.lesson_id, own_class, _ME, revision.c.title, revision.c.description),
        )
        .returning(lessons.c.id)
    )


def _change() -> Any:
    target = select(_CLIENT_ID, lessons.c.id, _ME, *_TEXTS).where(
        lessons.c.id == bindparam("lesson_id"), lessons.c.teacher_id == _ME
    )
    revision = _revision(target)
    return (
        update(lessons)
        .where(lessons.c.id == revision.c.lesson_id)
        .values(title=revision.c.title, description=revision.c.description)
        .returning(lessons.c.id)
    )


_CREATE = _create()
_CHANGE = _change()
_SAY = (
    insert(messages)
    .values(lesson_id=bindparam("lesson_id"), user_id=_ME, text=bindparam("text"), client_id=_CLIENT_ID)
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(messages.c.id)
)


def page_of_lessons(connection: Connection, user: User, page: int, per_page: int) -> tuple[list[dict[str, Any]], int]:
    """The user's lessons, newest first, and how many there are on all pages."""
    rows = connection.execute(
        _PAGE[user.role], {"me": user.id, "limit": per_page, "offset": (page - 1) * per_page}
    ).all()
    if rows:
        return [
            {"id": row.id, "title": row.title, "starts_at": row.starts_at, "class_name": row.class_name} for row in rows
        ], rows[0].total
    # Past the last page no row is there to carry the total.
    return [], 0 if page == 1 else connection.execute(_TOTAL[user.role], {"me": user.id}).scalar_one()


def lesson_detail(connection: Connection, lesson_id: int) -> dict[str, Any] | None:
    """The lesson with its attendees' count and last messages, oldest first; None when there is none."""
    lesson = connection.execute(_LESSON, {"lesson_id": lesson_id}).one_or_none()
    if lesson is None:
        return None
    rows = connection.execute(_MESSAGES, {"lesson_id": lesson_id}).all()
    return {**lesson._mapping, "messages": [dict(row._mapping) for row in reversed(rows)]}


def lesson_exists(connection: Connection, lesson_id: int) -> bool:
    """Whether there is such a lesson."""
    return connection.execute(_EXISTS, {"lesson_id": lesson_id}).first() is not None


def dashboard(connection: Connection, user: User) -> dict[str, Any]:
    """Sums over the user's lessons; a student's attendances are their own."""
    return dict(connection.execute(_DASHBOARD[user.role], {"me": user.id}).one()._mapping)


def create_lesson(connection: Connection, user: User, client_id: str, title: str, description: str) -> int:
    """The id of the new lesson, or of the one that this client_id made before."""
    values = {"me": user.id, "client_id": client_id, "title": title, "description": description}
    made: int | None = connection.execute(_CREATE, values).scalar_one_or_none()
    return made if made is not None else connection.execute(_REVISED, {"client_id": client_id}).scalar_one()


def change_lesson(  # noqa: PLR0917
    connection: Connection, user: User, lesson_id: int, client_id: str, title: str, description: str
) -> int | None:
    """The id of the changed lesson; None when it is not one of the user's."""
    values = {"me": user.id, "lesson_id": lesson_id, "client_id": client_id, "title": title, "description": description}
    changed: int | None = connection.execute(_CHANGE, values).scalar_one_or_none()
    return (
        changed if changed is not None else connection.execute(_REVISED, {"client_id": client_id}).scalar_one_or_none()
    )


def say(connection: Connection, user: User, lesson_id: int, client_id: str, text: str) -> bool:
    """Store a message; False when this client_id was stored before."""
    values = {"me": user.id, "lesson_id": lesson_id, "client_id": client_id, "text": text}
    result: CursorResult[Any] = connection.execute(_SAY, values)
    return result.first() is not None
