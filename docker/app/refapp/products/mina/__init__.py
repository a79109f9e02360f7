"""Mina: meetings, analytics out of a cache, and live audio that an external service transcribes."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.mina import audio, meetings, tables
from refapp.products.mina.seed import seed

MINA = Product(
    name="mina",
    people=("users",),
    blueprints=(meetings.blueprint,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
    serve_events=audio.serve_events,
    tasks=("refapp.products.mina.transcribe",),
    heavy_tasks=("mina.transcribe",),
)
