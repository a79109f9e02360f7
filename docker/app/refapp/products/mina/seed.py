"""Mina's data to an audience: 20 meetings for each user with a summary of 2 KB, so that a page of them is the plan's
50 KB, three participants and three tasks to a meeting. Made inside of the database."""

from __future__ import annotations

from random import Random

from psycopg import Cursor
from psycopg.types.numeric import Int8

from refapp.products.base import Audience

MEETINGS_EACH = 20
PARTICIPANTS = 3
TASKS = 3

_STATEMENTS = (
    """
    INSERT INTO meetings (owner_id, title, summary, minutes, starts_at)
    SELECT 1 + n %% %(users)s, 'Meeting ' || n, repeat(md5(n::text || %(seed)s) || ' ', 62), 15 + n %% 60,
           timestamptz '2026-01-12 08:00+00' + n * interval '1 minute'
    FROM generate_series(0, %(users)s * %(meetings)s - 1) n
    """,
    """
    INSERT INTO participants (meeting_id, user_id)
    SELECT m, 1 + (m + k * k) %% %(users)s
    FROM generate_series(1, %(users)s * %(meetings)s) m, generate_series(1, %(participants)s) k
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO tasks (meeting_id, title, done)
    SELECT 1 + n %% (%(users)s * %(meetings)s), 'Task ' || n, n %% 2 = 0
    FROM generate_series(0, %(users)s * %(meetings)s * %(tasks)s - 1) n
    """,
)


def seed(cursor: Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    """Fill the tables."""
    numbers = {
        "users": audience.counts["user"],
        "meetings": MEETINGS_EACH,
        "participants": PARTICIPANTS,
        "tasks": TASKS,
    }
    parameters: dict[str, object] = {name: Int8(value) for name, value in numbers.items()}
    parameters["seed"] = str(random.randrange(2**31))
    for statement in _STATEMENTS:
        cursor.execute(statement, parameters)
