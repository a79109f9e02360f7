"""Mina's statements, each built once. A write is one statement and does nothing when its ``client_id`` is known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Connection,
    Float,
    Integer,
    ScalarSelect,
    and_,
    bindparam,
    cast,
    extract,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from refapp.config import settings
from refapp.products.mina.tables import meetings, participants, tasks, transcripts
from refapp.users import User, users

RECENT_MEETINGS = 40
"""On the dashboard: with their summaries, the plan's 100 KB."""
TREND_MEETINGS = 80
"""In the trends: the plan's 200 KB."""

DASHBOARD_DAYS = 7
"""Days of the dashboard, today among them: before its optimization the plan counts from 7 queries on."""


def _as_list(element: Any, *order: Any) -> ScalarSelect[Any]:
    """The rows of a subquery as a JSON list within a statement, so that an answer needs no other statement."""
    listed = func.json_agg(aggregate_order_by(element, *order), type_=JSON)
    return select(func.coalesce(listed, literal_column("'[]'", JSON), type_=JSON)).scalar_subquery()


_ME: BindParameter[int] = bindparam("me")
_MEETING: BindParameter[int] = bindparam("meeting")

_time = cast(extract("epoch", meetings.c.starts_at), Float).label("starts_at")
_columns = (meetings.c.id, meetings.c.title, meetings.c.summary, meetings.c.minutes, _time)
_people = select(func.count()).where(participants.c.meeting_id == meetings.c.id).scalar_subquery().label("participants")
_open = (
    select(func.count())
    .where(tasks.c.meeting_id == meetings.c.id, tasks.c.done.is_(False))
    .scalar_subquery()
    .label("open_tasks")
)
_newest = (meetings.c.starts_at.desc(), meetings.c.id.desc())
_mine = meetings.c.owner_id == _ME
_PAGE = (
    select(*_columns, _people, _open)
    .where(_mine)
    .order_by(*_newest)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_PLAIN_PAGE = select(*_columns).where(_mine).order_by(*_newest).limit(bindparam("limit")).offset(bindparam("offset"))
_PEOPLE_OF = select(func.count()).where(participants.c.meeting_id == _MEETING)
_OPEN_OF = select(func.count()).where(tasks.c.meeting_id == _MEETING, tasks.c.done.is_(False))

_NAMES = (
    select(users.c.name)
    .join(participants, participants.c.user_id == users.c.id)
    .where(participants.c.meeting_id == _MEETING)
    .order_by(users.c.id)
)
_TASKS = select(tasks.c.id, tasks.c.title, tasks.c.done).where(tasks.c.meeting_id == _MEETING).order_by(tasks.c.id)
_names, _todo = _NAMES.add_columns(users.c.id).subquery("present"), _TASKS.subquery("todo")
_DETAIL = (
    select(
        *_columns,
        users.c.name.label("owner"),
        _as_list(_names.c.name, _names.c.id).label("participants"),
        _as_list(_todo.table_valued(), _todo.c.id).label("tasks"),
    )
    .join(users, users.c.id == meetings.c.owner_id)
    .where(meetings.c.id == _MEETING)
)
_PLAIN_DETAIL = select(*_columns, meetings.c.owner_id).where(meetings.c.id == _MEETING)
_NAME = select(users.c.name).where(users.c.id == bindparam("owner"))
_SUMS = select(
    func.count().label("meetings"),
    func.coalesce(func.sum(meetings.c.minutes), 0).label("minutes"),
    func.coalesce(func.avg(meetings.c.minutes), 0).cast(Float).label("mean_minutes"),
)
_OWN_SUMS = _SUMS.where(_mine)
_OWN_RECENT = select(*_columns).where(_mine).order_by(*_newest).limit(RECENT_MEETINGS)
_today = func.date_trunc("day", func.now())


def _held_in(start: Any) -> Any:
    return and_(_mine, meetings.c.starts_at >= start, meetings.c.starts_at < start + func.make_interval(0, 0, 0, 1))


def _day_sums(start: Any) -> tuple[Any, ...]:
    return (
        cast(extract("epoch", start), Float).label("day"),
        func.count(meetings.c.id).label("meetings"),
        func.coalesce(func.sum(meetings.c.minutes), 0).label("minutes"),
    )


_AGO: BindParameter[int] = bindparam("ago", type_=Integer)
_that_day = _today - func.make_interval(0, 0, 0, _AGO)
_ONE_DAY = select(*_day_sums(_that_day)).where(_held_in(_that_day))
_ago = select(func.generate_series(0, DASHBOARD_DAYS - 1).label("ago")).subquery("ago")
_each_day = _today - func.make_interval(0, 0, 0, _ago.c.ago)
_week = (
    select(*_day_sums(_each_day))
    .select_from(_ago.outerjoin(meetings, _held_in(_each_day)))
    .group_by(_ago.c.ago)
    .subquery("week")
)
_last = _OWN_RECENT.subquery("last")
_DASHBOARD = _OWN_SUMS.add_columns(
    _as_list(_week.table_valued(), _week.c.day.desc()).label("days"),
    _as_list(_last.table_valued(), _last.c.starts_at.desc(), _last.c.id.desc()).label("recent"),
)
_day = func.date_trunc("day", meetings.c.starts_at)
_latest = select(meetings).order_by(*_newest).limit(TREND_MEETINGS).subquery("latest")
_RECENT = select(
    _latest.c.id,
    _latest.c.title,
    _latest.c.summary,
    cast(extract("epoch", _latest.c.starts_at), Float).label("starts_at"),
)
_DAYS = (
    select(
        cast(extract("epoch", _day), Float).label("day"),
        func.count().label("meetings"),
        func.sum(meetings.c.minutes).label("minutes"),
    )
    .group_by(_day)
    .order_by(_day.desc())
    .limit(30)
)
_MEET = (
    insert(meetings)
    .values(owner_id=_ME, title=bindparam("title"), summary="", minutes=30, client_id=bindparam("client_id"))
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(meetings.c.id)
)
_KNOWN_MEETING = select(meetings.c.id).where(meetings.c.client_id == bindparam("client_id"))
_ADD_TASK = (
    insert(tasks)
    .from_select(
        ["meeting_id", "title", "client_id"],
        select(meetings.c.id, bindparam("title"), bindparam("client_id")).where(meetings.c.id == _MEETING, _mine),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(tasks.c.id)
)
_KNOWN_TASK = select(tasks.c.id).where(tasks.c.client_id == bindparam("client_id"))
_KEEP = (
    insert(transcripts)
    .values(session=bindparam("session"), user_id=_ME, text=bindparam("text"), client_id=bindparam("client_id"))
    .on_conflict_do_nothing(index_elements=["client_id"])
)


def page_of_meetings(connection: Connection, me: int, page: int, per_page: int) -> list[dict[str, Any]]:
    """The user's meetings, newest first; with N_PLUS_ONE two statements more for each of them."""
    parameters = {"me": me, "limit": per_page, "offset": (page - 1) * per_page}
    if not settings().n_plus_one:
        return _rows(connection, _PAGE, parameters)
    found = _rows(connection, _PLAIN_PAGE, parameters)
    for meeting in found:
        which = {"meeting": meeting["id"]}
        meeting["participants"] = connection.execute(_PEOPLE_OF, which).scalar_one()
        meeting["open_tasks"] = connection.execute(_OPEN_OF, which).scalar_one()
    return found


def meeting_detail(connection: Connection, meeting: int) -> dict[str, Any] | None:
    """A meeting with who was there and what is to be done: one statement, or with N_PLUS_ONE four, its owner, those who
    were there and its tasks each asked for on their own."""
    which = {"meeting": meeting}
    if not settings().n_plus_one:
        whole = connection.execute(_DETAIL, which).one_or_none()
        return None if whole is None else dict(whole._mapping)
    row = connection.execute(_PLAIN_DETAIL, which).one_or_none()
    if row is None:
        return None
    found = dict(row._mapping)
    found["owner"] = connection.execute(_NAME, {"owner": found.pop("owner_id")}).scalar_one()
    found["participants"] = list(connection.execute(_NAMES, which).scalars())
    return {**found, "tasks": _rows(connection, _TASKS, which)}


def dashboard(connection: Connection, me: int) -> dict[str, Any]:
    """The user's sums, those of the last days, and last meetings: one statement, or with N_PLUS_ONE one for each day
    and two more."""
    mine = {"me": me}
    if not settings().n_plus_one:
        return dict(connection.execute(_DASHBOARD, mine).one()._mapping)
    sums = dict(connection.execute(_OWN_SUMS, mine).one()._mapping)
    days = [dict(connection.execute(_ONE_DAY, {**mine, "ago": ago}).one()._mapping) for ago in range(DASHBOARD_DAYS)]
    return {**sums, "days": days, "recent": _rows(connection, _OWN_RECENT, mine)}


def trends(connection: Connection) -> dict[str, Any]:
    """Everybody's last thirty days, and the last meetings."""
    return {"days": _rows(connection, _DAYS, {}), "recent": _rows(connection, _RECENT, {})}


def add_meeting(connection: Connection, user: User, client_id: str, title: str) -> int:
    """A new meeting; its id, also when it is known already."""
    values = {"me": user.id, "client_id": client_id, "title": title}
    row = connection.execute(_MEET, values).first() or connection.execute(_KNOWN_MEETING, values).one()
    return int(row.id)


def add_task(connection: Connection, user: User, meeting: int, client_id: str, title: str) -> int | None:
    """A new task of one of the user's meetings; its id, also when it is known already; None without such a meeting."""
    values = {"me": user.id, "meeting": meeting, "client_id": client_id, "title": title}
    row = connection.execute(_ADD_TASK, values).first() or connection.execute(_KNOWN_TASK, values).first()
    return None if row is None else int(row.id)


def keep_transcript(connection: Connection, me: int, session: str, client_id: str, text: str) -> None:
    """What was said in a window of a session."""
    connection.execute(_KEEP, {"me": me, "session": session, "client_id": client_id, "text": text})


def _rows(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(statement, parameters)]
