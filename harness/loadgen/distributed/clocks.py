"""By how much another host's clock is off ours, from messages that went there and back.

An exchange carries four readings, as in NTP (RFC 5905, section 8): sent and heard on our clock, received and answered
on theirs. Whatever the two ways took, neither took less than nothing, so that the true offset lies within half of the
round trip of what the middle of both says. The exchange with the least round trip therefore says the most.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.model.samples import AcknowledgedWrite, Event, GeneratorSample, JobEvent


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message and its answer. CLOCK_MONOTONIC in seconds: sent, heard of this host; received, answered of the
    other."""

    sent: float
    received: float
    answered: float
    heard: float

    @property
    def round_trip_seconds(self) -> float:
        """On the way, both ways together; the other's own time is left out."""
        return max(0.0, (self.heard - self.sent) - (self.answered - self.received))


@dataclass(frozen=True, slots=True)
class Offset:
    """The other host's clock less ours: ``seconds`` ± ``uncertainty_seconds``."""

    seconds: float = 0.0
    uncertainty_seconds: float = 0.0
    exchanges: int = 0


SHARED = Offset()
"""Of a process that reads the same clock."""


def offset_of(exchanges: Iterable[Exchange]) -> Offset:
    """What the exchange with the least round trip says. Raises ValueError without any."""
    found = tuple(exchanges)
    best = min(found, key=lambda exchange: exchange.round_trip_seconds)
    middle = ((best.received - best.sent) + (best.answered - best.heard)) / 2
    return Offset(middle, best.round_trip_seconds / 2, len(found))


@dataclass(frozen=True, slots=True)
class MasterClock:
    """The master's clock as a worker knows it: the one place where times of one host become those of another.

    offset_seconds: this host's CLOCK_MONOTONIC less the master's. wall_seconds: the master's wall clock less its
    CLOCK_MONOTONIC; None where the clocks are shared, since nothing is to be translated then.
    """

    offset_seconds: float = 0.0
    wall_seconds: float | None = None

    def here(self, theirs: float) -> float:
        """A time of the master's on this host's clock."""
        return theirs + self.offset_seconds

    def there(self, ours: float) -> float:
        """A time of this host's on the master's clock."""
        return ours - self.offset_seconds

    def translated(self, row: object) -> object:
        """A row of evidence with its times on the master's clock. Rows of requests count seconds from t = 0."""
        match row:
            case _ if self.wall_seconds is None:
                return row
            case Event():
                at = self.there(row.monotonic_seconds)
                return replace(row, monotonic_seconds=at, wall_seconds=at + self.wall_seconds)
            case GeneratorSample() | AcknowledgedWrite() | JobEvent():
                return replace(row, monotonic_seconds=self.there(row.monotonic_seconds))
            case _:
                return row


def wall_less_monotonic() -> float:
    """This host's, now."""
    return time.time() - time.monotonic()
