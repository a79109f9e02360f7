"""Creates the tables and the view ``acknowledged``; does nothing to those that exist: ``python -m refapp.schema``."""

from __future__ import annotations

from sqlalchemy import literal, select, text, union_all

from refapp.db import engine, metadata
from refapp.products import product
from refapp.uploads.tables import uploads


def create_schema() -> None:
    """Raises sqlalchemy.exc.OperationalError when the database cannot be reached."""
    acknowledged = product().acknowledged  # its import is what declares its tables
    metadata.create_all(engine())
    files = select(uploads.c.client_id, literal("upload").label("kind"))
    everything = union_all(*acknowledged, files)
    compiled = everything.compile(engine(), compile_kwargs={"literal_binds": True})
    with engine().connect() as connection:
        connection.execute(text(f"CREATE OR REPLACE VIEW acknowledged AS {compiled}"))


if __name__ == "__main__":
    create_schema()
