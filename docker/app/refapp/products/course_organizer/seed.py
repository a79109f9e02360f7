"""Course Organizer's data to an audience.

A course for every 25 users and 5 of them for each user, with 40 items on its timeline; a study group for every 10
users, who each belong to 2, with 100 messages, or a page of 50 where all of them would be more than a million. Made
inside of the database, since two thousand users have twenty thousand messages and fifty thousand have half a million.
"""

from __future__ import annotations

from random import Random

from psycopg import Cursor
from psycopg.types.numeric import Int8

from refapp.products.base import Audience
from refapp.products.course_organizer.queries import LAST_MESSAGES

USERS_TO_A_COURSE = 25
COURSES_EACH = 5
ITEMS_EACH = 40
USERS_TO_A_GROUP = 10
GROUPS_EACH = 2
MESSAGES_EACH = 100
MOST_MESSAGES = 1_000_000

_STATEMENTS = (
    "INSERT INTO courses (title) SELECT 'Course ' || n FROM generate_series(1, %(courses)s) n",
    """
    INSERT INTO enrolments (user_id, course_id)
    SELECT u, 1 + (u + k * k) %% %(courses)s
    FROM generate_series(1, %(users)s) u, generate_series(1, %(courses_each)s) k
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO timeline_items (course_id, author_id, title, body, due_at)
    SELECT 1 + n %% %(courses)s, 1 + (n * 7) %% %(users)s, 'Week ' || n / %(courses)s,
           repeat(md5(n::text || %(seed)s) || ' ', 12), timestamptz '2026-01-12 08:00+00' + n * interval '1 minute'
    FROM generate_series(0, %(courses)s * %(items)s - 1) n
    """,
    """
    INSERT INTO study_groups (course_id, name)
    SELECT 1 + n %% %(courses)s, 'Group ' || n FROM generate_series(1, %(groups)s) n
    """,
    """
    INSERT INTO memberships (user_id, group_id)
    SELECT u, 1 + (u + k * k) %% %(groups)s
    FROM generate_series(1, %(users)s) u, generate_series(1, %(groups_each)s) k
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO group_messages (group_id, sender_id, text, created_at)
    SELECT 1 + n %% %(groups)s, 1 + (n * 7) %% %(users)s, md5(n::text || %(seed)s) || ' ' || md5(n::text),
           timestamptz '2026-01-12 08:00+00' + n * interval '1 second'
    FROM generate_series(0, %(groups)s * %(messages)s - 1) n
    """,
)


def courses_of(users: int) -> int:
    """How many courses so many users have."""
    return max(1, users // USERS_TO_A_COURSE)


def groups_of(users: int) -> int:
    """How many study groups so many users have."""
    return max(1, users // USERS_TO_A_GROUP)


def messages_each(groups: int) -> int:
    """How many messages each of so many groups has: never less than the page that is read."""
    return max(LAST_MESSAGES, min(MESSAGES_EACH, MOST_MESSAGES // groups))


def seed(cursor: Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    """Fill the tables."""
    users = audience.counts["user"]
    numbers = {
        "users": users,
        "courses": courses_of(users),
        "courses_each": COURSES_EACH,
        "items": ITEMS_EACH,
        "groups": groups_of(users),
        "groups_each": GROUPS_EACH,
        "messages": messages_each(groups_of(users)),
    }
    parameters: dict[str, object] = {name: Int8(value) for name, value in numbers.items()}
    parameters["seed"] = str(random.randrange(2**31))
    for statement in _STATEMENTS:
        cursor.execute(statement, parameters)
