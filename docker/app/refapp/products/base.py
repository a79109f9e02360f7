"""What a product is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from flask import Blueprint
from flask_socketio import SocketIO
from psycopg import Cursor
from sqlalchemy import Select


@dataclass(frozen=True, slots=True)
class Audience:
    """How many users there are. Users 1 to ``teachers`` are the teachers, the students' ids follow."""

    teachers: int
    students: int


@dataclass(frozen=True, slots=True)
class Product:
    """One product.

    blueprints: its pages and its HTTP interface.
    serve_events: registers its Socket.IO events.
    tasks, heavy_tasks: the module of its Celery tasks, and the names of those that belong to the heavy queue.
    acknowledged: selects (client_id, kind) of everything that it has acknowledged.
    seed: fills its tables, which are empty.
    """

    name: str
    blueprints: tuple[Blueprint, ...]
    serve_events: Callable[[SocketIO], None]
    tasks: str
    heavy_tasks: tuple[str, ...]
    acknowledged: tuple[Select[tuple[str, str]], ...]
    seed: Callable[[Cursor[tuple[object, ...]], Audience, Random], None]
