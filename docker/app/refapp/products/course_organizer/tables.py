"""Course Organizer's tables. Every write carries ``client_id``, the id that the client made; seeded rows have none."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    select,
)

from refapp.db import metadata

_MOMENT = DateTime(timezone=True)

courses = Table(
    "courses",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("title", Text, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("course_id", ForeignKey("courses.id"), primary_key=True, index=True),
)

timeline_items = Table(
    "timeline_items",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("course_id", ForeignKey("courses.id"), nullable=False),
    Column("author_id", ForeignKey("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_timeline_items_course_due", "course_id", "due_at"),
)

study_groups = Table(
    "study_groups",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("course_id", ForeignKey("courses.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("group_id", ForeignKey("study_groups.id"), primary_key=True, index=True),
)

group_messages = Table(
    "group_messages",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("group_id", ForeignKey("study_groups.id"), nullable=False),
    Column("sender_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    # The plan's own idx_groupmessage_group_created.
    Index("ix_group_messages_newest", "group_id", "created_at"),
)

ACKNOWLEDGED = (
    select(timeline_items.c.client_id, literal("item").label("kind")).where(timeline_items.c.client_id.is_not(None)),
    select(group_messages.c.client_id, literal("message").label("kind")).where(group_messages.c.client_id.is_not(None)),
)
