"""The flight school's data to an audience.

The plan counts 10 to 15 instructors with 5 to 10 students each, and its database holds mostly text. Students are dealt
out evenly; each instructor has written 20 lesson plans, each student has flown 40 times, about what a private licence
takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from psycopg import Cursor

from refapp.copying import copy_rows
from refapp.products.base import Audience
from refapp.products.flight_school.tables import flights, lesson_plans, trainings

PLANS_EACH = 20
FLIGHTS_EACH = 40
FIRST_DAY = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
_MANOEUVRES = ("Stalls", "Steep turns", "Crosswind landing", "Navigation", "Radio", "Engine failure", "Night circuit")
_WORDS = ("hold", "altitude", "trim", "check", "mixture", "flaps", "heading", "brief", "runway", "wind", "recover")

Rows = Iterator[tuple[object, ...]]


def seed(cursor: Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    """Fill the tables."""
    instructors, students = audience.ids("instructor"), audience.ids("student")
    pairs = [(student, instructors[place % len(instructors)]) for place, student in enumerate(students)]
    copy_rows(cursor, trainings, pairs)
    copy_rows(cursor, lesson_plans, _plans(instructors, random), columns=("id", "instructor_id", "title", "content"))
    names = ("id", "student_id", "plan_id", "minutes", "grade", "remarks", "flown_at")
    copy_rows(cursor, flights, _flights(pairs, instructors, random), columns=names)


def first_plan(place: int) -> int:
    """The id of the first plan of the instructor in that place, from 0."""
    return place * PLANS_EACH + 1


def _plans(instructors: range, random: Random) -> Rows:
    for place, instructor in enumerate(instructors):
        for number in range(PLANS_EACH):
            title = f"{random.choice(_MANOEUVRES)} {number + 1}"
            yield first_plan(place) + number, instructor, title, " ".join(random.choices(_WORDS, k=300))


def _flights(pairs: list[tuple[int, int]], instructors: range, random: Random) -> Rows:
    flight = 0
    for student, instructor in pairs:
        for number in range(FLIGHTS_EACH):
            flight += 1
            plan = first_plan(instructor - instructors[0]) + number % PLANS_EACH
            remarks = " ".join(random.choices(_WORDS, k=12))
            flown = FIRST_DAY + timedelta(days=3 * number, hours=random.randrange(10))
            yield flight, student, plan, random.randint(40, 120), random.randint(1, 5), remarks, flown
