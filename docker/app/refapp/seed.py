"""Fills the database to an audience: ``python -m refapp.seed --people teachers=300 --people students=3000 --seed 7``.

What was there before is gone afterwards; the same arguments give the same rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from random import Random

import psycopg
from psycopg import sql

from refapp.config import settings
from refapp.copying import copy_rows
from refapp.products import product
from refapp.products.base import Audience
from refapp.schema import tables_of
from refapp.users import hash_password, users

_FIRST = ("Anna", "Boris", "Clara", "Daniyar", "Elena", "Farid", "Galina", "Hana", "Ivan", "Julia", "Kamil", "Lena")
_LAST = ("Abadi", "Baker", "Chen", "Dubois", "Egorova", "Fischer", "Garcia", "Horvat", "Ivanova", "Jensen", "Kim")


def seed(audience: Audience, number: int) -> None:
    """Empty every table and fill it anew, in one transaction. Raises psycopg.Error."""
    served = product()
    tables = sql.SQL(", ").join(sql.Identifier(table.name) for table in tables_of(served).sorted_tables)
    with psycopg.connect(settings().libpq_url, autocommit=True, prepare_threshold=None) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # the role's is meant for requests
            cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
            _seed_users(cursor, audience, Random(number))
            served.seed(cursor, audience, Random(f"{number} {served.name}"))
        connection.execute(sql.SQL("ANALYZE {}").format(tables))


def _seed_users(cursor: psycopg.Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    name = product().name
    shared = hash_password(name, settings().password_cost, random.randbytes(16))
    people = [(role, place) for role, count in audience.counts.items() for place in range(1, count + 1)]
    copy_rows(
        cursor,
        users,
        (
            (identity, f"{role}{place}@{name}.test", f"{random.choice(_FIRST)} {random.choice(_LAST)}", role, shared)
            for identity, (role, place) in enumerate(people, start=1)
        ),
    )


def _people(raw: str) -> tuple[str, int]:
    name, _, count = raw.partition("=")
    if not count.isdecimal() or int(count) < 1:
        raise argparse.ArgumentTypeError("must look like teachers=300")
    return name, int(count)


def audience_of(people: Iterable[tuple[str, int]]) -> Audience:
    """The audience in the product's own order; people that it has no role for are left out.

    Raises SystemExit when a role has nobody.
    """
    named, wanted = dict(people), product().people
    missing = [name for name in wanted if name not in named]
    if missing:
        raise SystemExit(f"--people says nothing of {', '.join(missing)}")
    return Audience({name.removesuffix("s"): named[name] for name in wanted})


def main() -> None:
    """Read the arguments and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=_people, action="append", required=True)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    seed(audience_of(arguments.people), arguments.seed)


if __name__ == "__main__":
    main()
