"""ChitLaq: a social network: feed, posts with pictures, comments, private messages, search, notifications."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.chitlaq import messages, posts, tables
from refapp.products.chitlaq.pictures import resize
from refapp.products.chitlaq.seed import seed

CHITLAQ = Product(
    name="chitlaq",
    people=("users",),
    blueprints=(posts.blueprint,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
    serve_events=messages.serve_events,
    process=resize,
)
