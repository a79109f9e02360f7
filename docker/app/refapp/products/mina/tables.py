"""Mina's tables. Every write carries ``client_id``, the id that the client made; seeded rows have none."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

meetings = Table(
    "meetings",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("minutes", SmallInteger, nullable=False),
    Column("starts_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
    Index("ix_meetings_owner_newest", "owner_id", "starts_at"),
    Index("ix_meetings_newest", "starts_at"),
)

participants = Table(
    "participants",
    metadata,
    Column("meeting_id", ForeignKey("meetings.id"), primary_key=True),
    Column("user_id", ForeignKey("users.id"), primary_key=True),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("meeting_id", ForeignKey("meetings.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("done", Boolean, nullable=False, server_default="false"),
    Column("client_id", Text, unique=True),
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session", Text, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("client_id", Text, unique=True),
)

ACKNOWLEDGED = (
    select(meetings.c.client_id, literal("meeting").label("kind")).where(meetings.c.client_id.is_not(None)),
    select(tasks.c.client_id, literal("task").label("kind")).where(tasks.c.client_id.is_not(None)),
)
