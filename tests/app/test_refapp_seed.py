"""Schema and seed can be repeated, in a database of their own."""

from __future__ import annotations

import psycopg
import pytest

from tests.app.refapp_stack import Stack, people

pytestmark = pytest.mark.stack

TABLES = ("users", "classes", "enrolments", "lessons", "attendances", "messages")


def contents(database: str) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them."""
    with psycopg.connect(database) as connection:
        found = {}
        for table in TABLES:
            statement = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
            [found[table]] = connection.execute(statement.encode()).fetchall()
        return found


def test_the_same_arguments_give_the_same_rows(stack: Stack) -> None:
    with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE again")
    database = stack.postgres.url.removesuffix("/postgres") + "/again"
    url = database.replace("postgresql:", "postgresql+psycopg:")

    def seed(teachers: int, number: int) -> dict[str, tuple[int, str]]:
        arguments = [*people(teachers, 35), "--seed", str(number)]
        stack.python("-m", "refapp.seed", *arguments, DATABASE_URL=url)
        return contents(database)

    for _ in range(2):
        stack.python("-m", "refapp.schema", DATABASE_URL=url)
    first = seed(4, 7)
    assert {table: count for table, (count, _) in first.items()} == {
        "users": 39,
        "classes": 4,
        "enrolments": 35,
        "lessons": 96,
        "attendances": 35 * 24,
        "messages": 960,
    }
    assert seed(4, 7) == first
    other = seed(4, 8)
    assert other["messages"][0] == 960
    assert other["messages"] != first["messages"]
    with psycopg.connect(database, autocommit=True) as connection:
        made = connection.execute(
            "INSERT INTO lessons (class_id, teacher_id, title, description) VALUES (1, 1, '', '') RETURNING id"
        ).fetchone()
    assert made == (97,), "ids go on where the seed ended"
