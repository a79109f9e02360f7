"""Creates the tables and the view ``acknowledged``; does nothing to those that exist: ``python -m refapp.schema``."""

from __future__ import annotations

from sqlalchemy import MetaData, literal, select, text, union_all

from refapp.config import settings
from refapp.db import engine, metadata
from refapp.products import product
from refapp.products.base import Product
from refapp.uploads.tables import uploads
from refapp.users import users


def tables_of(served: Product) -> MetaData:
    """The tables of the product, whose import has declared its own, and those that all products share."""
    assert {users.metadata, uploads.metadata} == {metadata}, served.name
    return metadata


def create_schema() -> None:
    """Raises sqlalchemy.exc.OperationalError when the database cannot be reached."""
    served = product()
    tables_of(served).create_all(engine())
    if not settings().indexes:
        for table in metadata.sorted_tables:
            for index in table.indexes:
                index.drop(engine(), checkfirst=True)
    files = select(uploads.c.client_id, literal("upload").label("kind"))
    everything = union_all(*served.acknowledged, files)
    compiled = everything.compile(engine(), compile_kwargs={"literal_binds": True})
    with engine().connect() as connection:
        connection.execute(text(f"CREATE OR REPLACE VIEW acknowledged AS {compiled}"))


if __name__ == "__main__":
    create_schema()
