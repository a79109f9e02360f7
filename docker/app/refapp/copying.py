"""Rows into a table with COPY."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import Cursor, sql
from sqlalchemy import Table


def copy_rows(
    cursor: Cursor[tuple[object, ...]], table: Table, rows: Iterable[Sequence[object]], columns: Sequence[str] = ()
) -> None:
    """Fill a table that this transaction has emptied; its identity goes on after the rows.

    columns: those that the rows hold, by default the table's first ones in order.
    FREEZE writes the rows as already visible to everyone, so that no request has to mark them later.
    """
    names = tuple(columns) or tuple(table.c.keys())
    command = sql.SQL("COPY {} ({}) FROM STDIN (FREEZE)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with cursor.copy(command) as copy:
        for row in rows:
            copy.write_row(row)
    if "id" in names:
        cursor.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {}").format(
                table.name, sql.Identifier(table.name)
            )
        )
