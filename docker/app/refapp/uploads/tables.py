"""The table of uploads: a file, and how far its job is."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, SmallInteger, Table, Text, func

from refapp.db import metadata

_MOMENT = DateTime(timezone=True)

uploads = Table(
    "uploads",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("queued_at", _MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Column("started_at", _MOMENT),
    Column("finished_at", _MOMENT),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("result_path", Text),
    Column("error", Text),
    CheckConstraint("status IN ('queued', 'processing', 'finished', 'failed')", name="status"),
)
