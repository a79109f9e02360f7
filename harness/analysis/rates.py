"""Rates per second of the load."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.samples import RequestRow

OFFERED_TOLERANCE = 0.02
CHANCE = 4.0
"""Sessions begin at random and cross a phase's edges. Their requests scatter by 1.3 standard errors of a Poisson count
(simulated: six steps, pauses of 0.5 to 1 s), so that four of them are no chance any more."""


def offered_tolerance(requests: float) -> float:
    """By what share a phase's offered requests may differ from so many planned ones: 2 %, or 4 ÷ √requests if more."""
    return max(OFFERED_TOLERANCE, CHANCE / math.sqrt(requests)) if requests > 0 else OFFERED_TOLERANCE


@dataclass(slots=True)
class Tally:
    """What was meant to start in one second, or in a stretch of seconds, and what became of it."""

    completed: int = 0
    errors: int = 0
    dropped: int = 0
    late: int = 0
    expected: int = 0

    @property
    def offered(self) -> int:
        """Everything that was meant to start."""
        return self.completed + self.errors + self.dropped

    @property
    def bad(self) -> int:
        """What did not get a good response."""
        return self.errors + self.dropped

    def add(self, row: RequestRow) -> None:
        """Add a row's increments."""
        self.completed += row.completed
        self.errors += row.errors
        self.dropped += row.dropped
        self.late += row.late
        self.expected += row.expected


def tally(rows: Iterable[RequestRow]) -> Tally:
    """All rows as one."""
    total = Tally()
    for row in rows:
        total.add(row)
    return total


def tally_by_second(rows: Iterable[RequestRow], seconds: range) -> tuple[Tally, ...]:
    """One tally for each of the seconds, in order; a second without a row is a tally of zeros: nothing was offered."""
    tallies = tuple(Tally() for _ in seconds)
    for row in rows:
        if row.second in seconds:
            tallies[row.second - seconds.start].add(row)
    return tallies
