"""Lectio: lessons with their classroom chat, and videos that are transcoded."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.lectio import chat, lessons, tables
from refapp.products.lectio.seed import seed
from refapp.products.lectio.video import to_h264

LECTIO = Product(
    name="lectio",
    people=("teachers", "students"),
    blueprints=(lessons.blueprint,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
    serve_events=chat.serve_events,
    process=to_h264,
)
