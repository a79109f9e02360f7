"""Lectio's tables. Every write carries ``client_id``, the id that the client made; seeded rows have none."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    func,
    literal,
    select,
)

from refapp.db import metadata

_MOMENT = DateTime(timezone=True)

classes = Table(
    "classes",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("teacher_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("student_id", ForeignKey("users.id"), primary_key=True),
    Column("class_id", ForeignKey("classes.id"), primary_key=True, index=True),
)

lessons = Table(
    "lessons",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("teacher_id", ForeignKey("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("starts_at", _MOMENT, nullable=False, server_default=func.now()),
    Index("ix_lessons_class_newest", "class_id", "starts_at", "id"),
    Index("ix_lessons_teacher_newest", "teacher_id", "starts_at", "id"),
)

lesson_revisions = Table(
    "lesson_revisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("client_id", Text, nullable=False, unique=True),
    Column("lesson_id", ForeignKey("lessons.id"), nullable=False),
    Column("author_id", ForeignKey("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
)

attendances = Table(
    "attendances",
    metadata,
    Column("lesson_id", ForeignKey("lessons.id"), primary_key=True),
    Column("student_id", ForeignKey("users.id"), primary_key=True, index=True),
    Column("present", SmallInteger, CheckConstraint("present IN (0, 1)", name="present"), nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("lesson_id", ForeignKey("lessons.id"), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_messages_lesson_newest", "lesson_id", "id"),
)

ACKNOWLEDGED = (
    select(lesson_revisions.c.client_id, literal("lesson").label("kind")),
    select(messages.c.client_id, literal("message").label("kind")).where(messages.c.client_id.is_not(None)),
)
