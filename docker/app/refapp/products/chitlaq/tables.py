"""ChitLaq's tables. Every write carries ``client_id``, the id that the client made; seeded rows have none."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    literal,
    literal_column,
    select,
)

from refapp.db import metadata

_MOMENT = DateTime(timezone=True)

follows = Table(
    "follows",
    metadata,
    Column("follower_id", ForeignKey("users.id"), primary_key=True),
    Column("followed_id", ForeignKey("users.id"), primary_key=True),
)

posts = Table(
    "posts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("author_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("image", Text),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_posts_author_newest", "author_id", "id"),
)
WORDS = func.to_tsvector(literal_column("'simple'::regconfig"), posts.c.text)
"""What is searched: the words as they are written, in no language's grammar."""
Index("ix_posts_words", WORDS, postgresql_using="gin")

comments = Table(
    "comments",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("post_id", ForeignKey("posts.id"), nullable=False),
    Column("author_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_comments_post_newest", "post_id", "id"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("actor_id", ForeignKey("users.id"), nullable=False),
    Column("post_id", ForeignKey("posts.id"), nullable=False),
    Column("seen", Boolean, nullable=False, server_default="false"),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Index("ix_notifications_user_newest", "user_id", "id"),
)

private_messages = Table(
    "private_messages",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("lower_id", ForeignKey("users.id"), nullable=False),
    Column("higher_id", ForeignKey("users.id"), nullable=False),
    Column("author_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    CheckConstraint("lower_id < higher_id", name="two_people"),
    Index("ix_private_messages_talk_newest", "lower_id", "higher_id", "id"),
)

ACKNOWLEDGED = (
    select(posts.c.client_id, literal("post").label("kind")).where(posts.c.client_id.is_not(None)),
    select(comments.c.client_id, literal("comment").label("kind")).where(comments.c.client_id.is_not(None)),
    select(private_messages.c.client_id, literal("message").label("kind")).where(
        private_messages.c.client_id.is_not(None)
    ),
)
