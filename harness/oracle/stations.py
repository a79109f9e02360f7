"""First come, first served by c servers: the whole schedule of a request is known when it arrives. Pure.

With Lindley's recursion for c servers (Kiefer and Wolfowitz, 1955): a request starts when it has arrived and a server
is free, and the server is free again when the request has had its service time. The next request starts at the
*intended* end of the one before, so that the errors of real sleeping never add up.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: in service from start to end (CLOCK_MONOTONIC), answered with that status at the end.

    keep_bytes: what the server never gives back of its memory.
    """

    start_seconds: float
    end_seconds: float
    status: int = 200
    keep_bytes: int = 0

    @property
    def service_seconds(self) -> float:
        """Time in service."""
        return self.end_seconds - self.start_seconds


class Station:
    """c servers and the line before them. Arrivals come in the order of their times."""

    def __init__(self, servers: int) -> None:
        self._free_at = [float("-inf")] * servers
        self._starts: deque[float] = deque()

    def waiting(self, at_seconds: float) -> int:
        """How many stand in line at that time, which is not before the last arrival."""
        while self._starts and self._starts[0] <= at_seconds:
            self._starts.popleft()
        return len(self._starts)

    def is_full(self, at_seconds: float, places: int) -> bool:
        """Whether somebody who arrives then would have to stand in a line that has no place left."""
        return self._free_at[0] > at_seconds and self.waiting(at_seconds) >= places

    def take(self, arrival_seconds: float, service_seconds: float) -> Fate:
        """Let a request in."""
        start = max(arrival_seconds, self._free_at[0])
        end = start + service_seconds
        heapq.heapreplace(self._free_at, end)
        self._starts.append(start)
        self.waiting(arrival_seconds)
        return Fate(start, end)
