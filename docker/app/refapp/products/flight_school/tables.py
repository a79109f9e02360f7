"""The flight school's tables. Every write carries ``client_id``, the id that the client made; seeded rows have none."""

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

trainings = Table(
    "trainings",
    metadata,
    Column("student_id", ForeignKey("users.id"), primary_key=True),
    Column("instructor_id", ForeignKey("users.id"), nullable=False, index=True),
)

lesson_plans = Table(
    "lesson_plans",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("instructor_id", ForeignKey("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_lesson_plans_newest", "instructor_id", "id"),
)

flights = Table(
    "flights",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("student_id", ForeignKey("users.id"), nullable=False),
    Column("plan_id", ForeignKey("lesson_plans.id"), nullable=False),
    Column("minutes", SmallInteger, CheckConstraint("minutes BETWEEN 1 AND 600", name="minutes"), nullable=False),
    Column("grade", SmallInteger, CheckConstraint("grade BETWEEN 1 AND 5", name="grade"), nullable=False),
    Column("remarks", Text, nullable=False),
    Column("flown_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_flights_student_newest", "student_id", "flown_at"),
)

ACKNOWLEDGED = (
    select(lesson_plans.c.client_id, literal("plan").label("kind")).where(lesson_plans.c.client_id.is_not(None)),
    select(flights.c.client_id, literal("flight").label("kind")).where(flights.c.client_id.is_not(None)),
)
