"""Course Organizer: courses with their timelines, study groups with their chat, media files."""

from __future__ import annotations

from refapp.products.base import Product
from refapp.products.course_organizer import chat, courses, tables
from refapp.products.course_organizer.media import preview
from refapp.products.course_organizer.seed import seed

COURSE_ORGANIZER = Product(
    name="course-organizer",
    people=("users",),
    blueprints=(courses.blueprint,),
    acknowledged=tables.ACKNOWLEDGED,
    seed=seed,
    serve_events=chat.serve_events,
    process=preview,
)
