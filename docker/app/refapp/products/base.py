"""What a product is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from flask import Blueprint
from flask_socketio import SocketIO
from psycopg import Cursor
from sqlalchemy import Select


@dataclass(frozen=True, slots=True)
class Audience:
    """How many users of each role there are. Their ids go on from role to role, in the order of ``Product.people``."""

    counts: Mapping[str, int]

    def ids(self, role: str) -> range:
        """The ids of the users of that role."""
        start = 1
        for name, count in self.counts.items():
            if name == role:
                return range(start, start + count)
            start += count
        raise KeyError(role)


@dataclass(frozen=True, slots=True)
class Product:
    """One product.

    people: the plan's words for its kinds of users, such as teachers; the role of one is the word without its s. Their
    accounts are ``teacher1@NAME.test``…, everyone's password is the product's name.
    blueprints: its pages and its HTTP interface.
    serve_events: registers its Socket.IO events.
    process: makes something of an uploaded file, in a Celery worker (the heavy queue where there is one); raises
    ProcessError. None: the product takes no files.
    tasks: modules with further Celery tasks; heavy_tasks: the names of those that belong to the heavy queue.
    acknowledged: selects (client_id, kind) of everything that it has acknowledged; uploads are added to it.
    seed: fills its tables, which are empty.
    """

    name: str
    people: tuple[str, ...]
    blueprints: tuple[Blueprint, ...]
    acknowledged: tuple[Select[tuple[str, str]], ...]
    seed: Callable[[Cursor[tuple[object, ...]], Audience, Random], None]
    serve_events: Callable[[SocketIO], None] | None = None
    process: Callable[[Path], Path] | None = None
    tasks: tuple[str, ...] = ()
    heavy_tasks: tuple[str, ...] = ()
