"""Fills the database to an audience: ``python -m refapp.seed --teachers 300 --students 3000 --seed 7``.

What was there before is gone afterwards; the same arguments give the same rows.
"""

from __future__ import annotations

import argparse
from random import Random

import psycopg
from psycopg import sql

from refapp.config import settings
from refapp.copying import copy_rows
from refapp.db import metadata
from refapp.products import PRODUCTS
from refapp.products.base import Audience
from refapp.users import hash_password, users

PASSWORD = "lectio"  # noqa: S105 - everyone's, as README.md says
_FIRST = ("Anna", "Boris", "Clara", "Daniyar", "Elena", "Farid", "Galina", "Hana", "Ivan", "Julia", "Kamil", "Lena")
_LAST = ("Abadi", "Baker", "Chen", "Dubois", "Egorova", "Fischer", "Garcia", "Horvat", "Ivanova", "Jensen", "Kim")


def seed(audience: Audience, number: int) -> None:
    """Empty every table and fill it anew, in one transaction. Raises psycopg.Error."""
    tables = sql.SQL(", ").join(sql.Identifier(table.name) for table in metadata.sorted_tables)
    with psycopg.connect(settings().libpq_url, autocommit=True, prepare_threshold=None) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # the role's is meant for requests
            cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
            _seed_users(cursor, audience, Random(number))
            for product in PRODUCTS:
                product.seed(cursor, audience, Random(f"{number} {product.name}"))
        connection.execute(sql.SQL("ANALYZE {}").format(tables))


def _seed_users(cursor: psycopg.Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    shared = hash_password(PASSWORD, settings().password_cost, random.randbytes(16))
    people = [("teacher", place) for place in range(1, audience.teachers + 1)]
    people += [("student", place) for place in range(1, audience.students + 1)]
    copy_rows(
        cursor,
        users,
        (
            (identity, f"{role}{place}@lectio.test", f"{random.choice(_FIRST)} {random.choice(_LAST)}", role, shared)
            for identity, (role, place) in enumerate(people, start=1)
        ),
    )


def _positive(raw: str) -> int:
    value = int(raw)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def main() -> None:
    """Read the arguments and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teachers", type=_positive, required=True)
    parser.add_argument("--students", type=_positive, required=True)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    seed(Audience(arguments.teachers, arguments.students), arguments.seed)


if __name__ == "__main__":
    main()
