"""Lectio's data to an audience.

The plan expects 100 to 200 lessons a day of 300 teachers: two lessons to three teachers a day, for 36 days, which is 24
lessons to each teacher. Each teacher has one class, the students are dealt out evenly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from psycopg import Cursor

from refapp.copying import copy_rows
from refapp.products.base import Audience
from refapp.products.lectio.tables import attendances, classes, enrolments, lessons, messages

LESSONS_PER_TEACHER = 24
DAYS = 36
MESSAGES_PER_LESSON = 10
ATTENDANCE = 0.9
FIRST_DAY = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
_SUBJECTS = ("Fractions", "Cells", "Verbs", "Rivers", "Rhythm", "Forces", "Poems", "Trade", "Light", "Angles", "Atoms")
_WORDS = (
    "could",
    "you",
    "please",
    "repeat",
    "the",
    "second",
    "step",
    "I",
    "think",
    "it",
    "is",
    "clear",
    "now",
    "thanks",
)

Rows = Iterator[tuple[object, ...]]


def seed(cursor: Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    """Fill the tables; users 1 to ``teachers`` are the teachers."""
    teachers, students = audience.counts["teacher"], audience.counts["student"]
    members = [
        [teachers + place for place in range(number, students + 1, teachers)] for number in range(1, teachers + 1)
    ]
    copy_rows(cursor, classes, ((number, number, f"Class {number}") for number in range(1, teachers + 1)))
    copy_rows(
        cursor,
        enrolments,
        ((student, number) for number, pupils in enumerate(members, start=1) for student in pupils),
    )
    copy_rows(cursor, lessons, _lessons(teachers, random))
    copy_rows(cursor, attendances, _attendances(members, random))
    copy_rows(
        cursor, messages, _messages(members, random), columns=("id", "lesson_id", "user_id", "text", "created_at")
    )


def lesson_times(teachers: int) -> Iterator[tuple[int, datetime]]:
    """The teacher and the start of every lesson, in the order of their ids, which is the order of time."""
    total = teachers * LESSONS_PER_TEACHER
    for place in range(total):
        day, hour = divmod(place * DAYS * 10 // total, 10)
        yield place % teachers + 1, FIRST_DAY + timedelta(days=day, hours=hour)


def _lessons(teachers: int, random: Random) -> Rows:
    for lesson_id, (teacher, starts_at) in enumerate(lesson_times(teachers), start=1):
        title = f"{random.choice(_SUBJECTS)}, part {(lesson_id - 1) // teachers + 1}"
        yield lesson_id, teacher, teacher, title, " ".join(random.choices(_WORDS, k=40)), starts_at


def _attendances(members: list[list[int]], random: Random) -> Rows:
    for lesson_id, (teacher, _) in enumerate(lesson_times(len(members)), start=1):
        for student in members[teacher - 1]:
            yield lesson_id, student, int(random.random() < ATTENDANCE)


def _messages(members: list[list[int]], random: Random) -> Rows:
    message_id = 0
    for lesson_id, (teacher, starts_at) in enumerate(lesson_times(len(members)), start=1):
        people = [teacher, *members[teacher - 1]]
        for minute in range(MESSAGES_PER_LESSON):
            message_id += 1
            text = " ".join(random.choices(_WORDS, k=8))
            yield message_id, lesson_id, random.choice(people), text, starts_at + timedelta(minutes=3 * minute)
