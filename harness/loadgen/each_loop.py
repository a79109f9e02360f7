"""What an event loop has one of: each thread has a loop of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import gevent

T = TypeVar("T")


class OneForEachLoop(Generic[T]):
    """Made once for each event loop, and gone with it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[Any, T] = WeakKeyDictionary()

    def __call__(self) -> T:
        """That of this thread's event loop, made when it is first asked for."""
        hub = gevent.get_hub()
        found = self._made.get(hub)
        if found is None:
            found = self._made[hub] = self._make()
        return found
