"""A flight school: lesson plans, flights that are logged, progress that is summed up, and scanned documents."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.flight_school import pages, tables
from refapp.products.flight_school.scans import compress
from refapp.products.flight_school.seed import seed

FLIGHT_SCHOOL = Product(
    name="flight-school",
    people=("instructors", "students"),
    blueprints=(pages.blueprint,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
    process=compress,
)
