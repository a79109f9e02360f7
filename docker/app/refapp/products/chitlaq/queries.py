"""ChitLaq's statements, each built once. A write is one statement and does nothing when its ``client_id`` is known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Float,
    bindparam,
    cast,
    extract,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from refapp.config import settings
from refapp.products.chitlaq.tables import WORDS, comments, follows, notifications, posts, private_messages
from refapp.users import User, users

LAST_COMMENTS = 20
FOUND = 20
NOTICES = 20
EXCERPT = 280
"""Characters of a post that a list shows."""

_ME: BindParameter[int] = bindparam("me")
_POST: BindParameter[int] = bindparam("post")

_time = cast(extract("epoch", posts.c.created_at), Float).label("created_at")
_excerpt = func.left(posts.c.text, EXCERPT).label("text")
_count = select(func.count()).where(comments.c.post_id == posts.c.id).scalar_subquery().label("comments")
_page = (bindparam("limit"), bindparam("offset"))
_followed = posts.c.author_id.in_(select(follows.c.followed_id).where(follows.c.follower_id == _ME))
_FEED = (
    select(posts.c.id, users.c.name.label("author"), _excerpt, posts.c.image, _time, _count)
    .join(users, users.c.id == posts.c.author_id)
    .where(_followed)
    .order_by(posts.c.id.desc())
    .limit(_page[0])
    .offset(_page[1])
)
_PLAIN_FEED = (
    select(posts.c.id, posts.c.author_id, _excerpt, posts.c.image, _time)
    .where(_followed)
    .order_by(posts.c.id.desc())
    .limit(_page[0])
    .offset(_page[1])
)
_NAME = select(users.c.name).where(users.c.id == bindparam("author"))
_COMMENTS = select(func.count()).where(comments.c.post_id == _POST)
_DETAIL = (
    select(posts.c.id, users.c.name.label("author"), posts.c.text, posts.c.image, _time)
    .join(users, users.c.id == posts.c.author_id)
    .where(posts.c.id == _POST)
)
_LAST = (
    select(comments.c.id, users.c.name.label("author"), comments.c.text)
    .join(users, users.c.id == comments.c.author_id)
    .where(comments.c.post_id == _POST)
    .order_by(comments.c.id.desc())
    .limit(LAST_COMMENTS)
)
_SEARCH = (
    select(posts.c.id, users.c.name.label("author"), _excerpt)
    .join(users, users.c.id == posts.c.author_id)
    .where(WORDS.op("@@")(func.plainto_tsquery(literal_column("'simple'::regconfig"), bindparam("words"))))
    .order_by(posts.c.id.desc())
    .limit(FOUND)
)
_NOTICES = (
    select(notifications.c.id, users.c.name.label("actor"), notifications.c.post_id, notifications.c.seen)
    .join(users, users.c.id == notifications.c.actor_id)
    .where(notifications.c.user_id == _ME)
    .order_by(notifications.c.id.desc())
    .limit(NOTICES)
)
_SEE = (
    update(notifications)
    .where(notifications.c.user_id == _ME, notifications.c.seen.is_(False), notifications.c.id <= bindparam("last"))
    .values(seen=True)
)
_PUBLISH = (
    insert(posts)
    .values(author_id=_ME, text=bindparam("text"), image=bindparam("image"), client_id=bindparam("client_id"))
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(posts.c.id)
)
_KNOWN_POST = select(posts.c.id).where(posts.c.client_id == bindparam("client_id"))
_said = (
    insert(comments)
    .from_select(
        ["post_id", "author_id", "text", "client_id"],
        select(posts.c.id, _ME, bindparam("text"), bindparam("client_id")).where(posts.c.id == _POST),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(comments.c.id, comments.c.post_id)
    .cte("said")
)
_told = (
    insert(notifications)
    .from_select(
        ["user_id", "actor_id", "post_id"],
        select(posts.c.author_id, _ME, posts.c.id).join(_said, _said.c.post_id == posts.c.id),
    )
    .cte("told")
)
_COMMENT = select(_said.c.id).add_cte(_told)
_KNOWN_COMMENT = select(comments.c.id).where(comments.c.client_id == bindparam("client_id"))
_SAY = (
    insert(private_messages)
    .values(
        lower_id=bindparam("lower"),
        higher_id=bindparam("higher"),
        author_id=_ME,
        text=bindparam("text"),
        client_id=bindparam("client_id"),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(private_messages.c.id)
)


def feed(connection: Connection, user: User, page: int, per_page: int) -> list[dict[str, Any]]:
    """The newest posts of those whom the user follows; with N_PLUS_ONE two statements more for each of them."""
    parameters = {"me": user.id, "limit": per_page, "offset": (page - 1) * per_page}
    if not settings().n_plus_one:
        return _rows(connection, _FEED, parameters)
    found = _rows(connection, _PLAIN_FEED, parameters)
    for post in found:
        post["author"] = connection.execute(_NAME, {"author": post.pop("author_id")}).scalar_one()
        post["comments"] = connection.execute(_COMMENTS, {"post": post["id"]}).scalar_one()
    return found


def post_detail(connection: Connection, post: int) -> dict[str, Any] | None:
    """A post with its last comments."""
    row = connection.execute(_DETAIL, {"post": post}).one_or_none()
    return None if row is None else {**row._mapping, "comments": _rows(connection, _LAST, {"post": post})}


def search(connection: Connection, words: str) -> list[dict[str, Any]]:
    """The newest posts that hold all of the words."""
    return _rows(connection, _SEARCH, {"words": words})


def notices(connection: Connection, user: User) -> list[dict[str, Any]]:
    """The user's last notifications."""
    return _rows(connection, _NOTICES, {"me": user.id})


def see(connection: Connection, user: User, last: int) -> None:
    """The user has seen their notifications up to that one."""
    connection.execute(_SEE, {"me": user.id, "last": last})


def publish(connection: Connection, user: User, client_id: str, text: str, image: str | None) -> int:
    """A new post; its id, also when it is known already."""
    values = {"me": user.id, "client_id": client_id, "text": text, "image": image}
    row = connection.execute(_PUBLISH, values).first() or connection.execute(_KNOWN_POST, values).one()
    return int(row.id)


def comment(connection: Connection, user: User, post: int, client_id: str, text: str) -> int | None:
    """A new comment, whose post's author is told; its id, also when it is known already; None without such a post."""
    values = {"me": user.id, "post": post, "client_id": client_id, "text": text}
    row = connection.execute(_COMMENT, values).first() or connection.execute(_KNOWN_COMMENT, values).first()
    return None if row is None else int(row.id)


def say(connection: Connection, user: User, pair: tuple[int, int], client_id: str, text: str) -> bool:
    """A private message; whether it is new."""
    lower, higher = pair
    values = {"me": user.id, "lower": lower, "higher": higher, "client_id": client_id, "text": text}
    return connection.execute(_SAY, values).first() is not None


def _rows(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(statement, parameters)]
