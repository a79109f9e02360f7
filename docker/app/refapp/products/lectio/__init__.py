"""Lectio: lessons with their classroom chat, and videos that are transcoded."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.lectio import chat, lessons, tables, transcode, uploads
from refapp.products.lectio.seed import seed

LECTIO = Product(
    name="lectio",
    blueprints=(lessons.blueprint, uploads.blueprint),
    serve_events=chat.serve_events,
    tasks=transcode.__name__,
    heavy_tasks=(transcode.transcode.name,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
)
