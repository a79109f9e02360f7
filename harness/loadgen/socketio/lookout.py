"""Looking after thousands of things, each after a time of its own, with one timer of the event loop.

A timer for each would be some three hundred bytes. Whoever shares a sixteenth of a second shares a slot; the timer is
set to the first slot that anybody is in.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any, Final, Protocol

import gevent

from harness.loadgen.each_loop import OneForEachLoop

_SLOTS_PER_SECOND: Final = 16


class Looked(Protocol):
    """Who is looked after."""

    def look(self, now: float) -> None:
        """Its time has come; now: the loop's. Must not raise."""


class Lookout:
    """Slots in time, for one event loop."""

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._slots: dict[int, set[Looked]] = {}
        self._order: list[int] = []
        self._timer: Any = None

    def put(self, after_seconds: float, one: Looked) -> int:
        """Look after it once so much later, a sixteenth of a second late at most; the slot, for ``remove``."""
        slot: int = math.floor((self._loop.now() + after_seconds) * _SLOTS_PER_SECOND) + 1
        together = self._slots.get(slot)
        if together is None:
            together = self._slots[slot] = set()
            heappush(self._order, slot)
            if self._order[0] == slot:
                self._set(slot)
        together.add(one)
        return slot

    def remove(self, slot: int, one: Looked) -> None:
        """Never mind; it may have been looked after already."""
        together = self._slots.get(slot)
        if together is not None:
            together.discard(one)
            if not together:
                del self._slots[slot]  # its number stays in the order: a ring for nothing is cheaper than finding it
                if not self._slots:
                    self._rest()

    def _rest(self) -> None:
        self._order.clear()
        if self._timer is not None:
            self._timer.close()  # an event loop with nobody left to look after comes to its end
            self._timer = None

    def _set(self, slot: int) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = self._loop.timer(max(0.0, slot / _SLOTS_PER_SECOND - self._loop.now()))
        self._timer.start(self._ring)

    def _ring(self) -> None:
        self._timer.close()
        self._timer = None
        now = self._loop.now()
        while self._order and self._order[0] <= now * _SLOTS_PER_SECOND:
            for one in self._slots.pop(heappop(self._order), ()):
                one.look(now)
        if not self._slots:
            self._rest()
        elif self._timer is None:
            self._set(self._order[0])


lookout = OneForEachLoop(Lookout)
"""That of this thread's event loop."""
