"""Course Organizer's statements, each built once. A write is one statement and does nothing when its ``client_id`` is
known already."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Connection, Float, bindparam, cast, extract, func, select
from sqlalchemy.dialects.postgresql import insert

from refapp.config import settings
from refapp.products.course_organizer.tables import (
    courses,
    enrolments,
    group_messages,
    memberships,
    study_groups,
    timeline_items,
)
from refapp.users import User, users

LAST_MESSAGES = 50
"""The plan's own LIMIT."""
LAST_ITEMS = 40

_ME: BindParameter[int] = bindparam("me")
_COURSE: BindParameter[int] = bindparam("course")
_GROUP: BindParameter[int] = bindparam("group")

_COURSES = (
    select(courses.c.id, courses.c.title)
    .join(enrolments, enrolments.c.course_id == courses.c.id)
    .where(enrolments.c.user_id == _ME)
    .order_by(courses.c.id)
)
_TIMELINE = (
    select(
        timeline_items.c.id,
        timeline_items.c.title,
        timeline_items.c.body,
        users.c.name.label("author"),
        cast(extract("epoch", timeline_items.c.due_at), Float).label("due_at"),
    )
    .join(users, users.c.id == timeline_items.c.author_id)
    .where(timeline_items.c.course_id == _COURSE)
    .order_by(timeline_items.c.due_at.desc(), timeline_items.c.id.desc())
    .limit(LAST_ITEMS)
)
_TITLE = select(courses.c.title).where(courses.c.id == _COURSE)
_all = memberships.alias("all_members")
_GROUPS = (
    select(
        study_groups.c.id,
        study_groups.c.name,
        select(func.count()).where(_all.c.group_id == study_groups.c.id).scalar_subquery().label("members"),
    )
    .join(memberships, memberships.c.group_id == study_groups.c.id)
    .where(memberships.c.user_id == _ME)
    .order_by(study_groups.c.id)
)
_EXISTS = select(study_groups.c.id).where(study_groups.c.id == _GROUP)
_time = cast(extract("epoch", group_messages.c.created_at), Float).label("created_at")
_newest = (group_messages.c.created_at.desc(), group_messages.c.id.desc())
_MESSAGES = (
    select(group_messages.c.id, users.c.name.label("sender"), group_messages.c.text, _time)
    .join(users, users.c.id == group_messages.c.sender_id)
    .where(group_messages.c.group_id == _GROUP)
    .order_by(*_newest)
    .limit(LAST_MESSAGES)
)
_PLAIN_MESSAGES = (
    select(group_messages.c.id, group_messages.c.sender_id, group_messages.c.text, _time)
    .where(group_messages.c.group_id == _GROUP)
    .order_by(*_newest)
    .limit(LAST_MESSAGES)
)
_NAME = select(users.c.name).where(users.c.id == bindparam("sender"))
_ADD = (
    insert(timeline_items)
    .from_select(
        ["course_id", "author_id", "title", "body", "client_id"],
        select(courses.c.id, _ME, bindparam("title"), bindparam("body"), bindparam("client_id")).where(
            courses.c.id == _COURSE
        ),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(timeline_items.c.id)
)
_KNOWN_ITEM = select(timeline_items.c.id).where(timeline_items.c.client_id == bindparam("client_id"))
_SAY = (
    insert(group_messages)
    .values(group_id=_GROUP, sender_id=_ME, text=bindparam("text"), client_id=bindparam("client_id"))
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(group_messages.c.id)
)
_KNOWN_MESSAGE = select(group_messages.c.id).where(group_messages.c.client_id == bindparam("client_id"))


def courses_of(connection: Connection, user: User) -> list[dict[str, Any]]:
    """The user's courses."""
    return _rows(connection, _COURSES, {"me": user.id})


def timeline(connection: Connection, course: int) -> dict[str, Any] | None:
    """A course with what is on its timeline, latest first."""
    title = connection.execute(_TITLE, {"course": course}).scalar_one_or_none()
    if title is None:
        return None
    return {"course": course, "title": title, "items": _rows(connection, _TIMELINE, {"course": course})}


def add_item(connection: Connection, user: User, course: int, client_id: str, **words: str) -> int | None:
    """A new item (title, body) on a timeline; its id, also when it is known already; None without such a course."""
    values = {"me": user.id, "course": course, "client_id": client_id, **words}
    row = connection.execute(_ADD, values).first() or connection.execute(_KNOWN_ITEM, values).first()
    return None if row is None else int(row.id)


def groups_of(connection: Connection, user: User) -> list[dict[str, Any]]:
    """The user's study groups."""
    return _rows(connection, _GROUPS, {"me": user.id})


def group_exists(connection: Connection, group: int) -> bool:
    """Whether there is such a group."""
    return connection.execute(_EXISTS, {"group": group}).first() is not None


def newest_messages(connection: Connection, group: int) -> list[dict[str, Any]]:
    """A group's last messages, newest first; with N_PLUS_ONE each sender is asked for on its own, as before the plan's
    select_related."""
    if not settings().n_plus_one:
        return _rows(connection, _MESSAGES, {"group": group})
    found = _rows(connection, _PLAIN_MESSAGES, {"group": group})
    for message in found:
        message["sender"] = connection.execute(_NAME, {"sender": message.pop("sender_id")}).scalar_one()
    return found


def say(connection: Connection, user: User, group: int, client_id: str, text: str) -> tuple[int, bool]:
    """A message in a group: its id, and whether it is new."""
    values = {"me": user.id, "group": group, "client_id": client_id, "text": text}
    row = connection.execute(_SAY, values).first()
    if row is not None:
        return int(row.id), True
    return int(connection.execute(_KNOWN_MESSAGE, values).one().id), False


def _rows(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(statement, parameters)]
