"""Creates the tables and the view ``acknowledged``; does nothing to those that exist: ``python -m refapp.schema``."""

from __future__ import annotations

from sqlalchemy import text, union_all

from refapp.db import engine, metadata
from refapp.products import PRODUCTS


def create_schema() -> None:
    """Raises sqlalchemy.exc.OperationalError when the database cannot be reached."""
    metadata.create_all(engine())
    everything = union_all(*(select for product in PRODUCTS for select in product.acknowledged))
    compiled = everything.compile(engine(), compile_kwargs={"literal_binds": True})
    with engine().connect() as connection:
        connection.execute(text(f"CREATE OR REPLACE VIEW acknowledged AS {compiled}"))


if __name__ == "__main__":
    create_schema()
