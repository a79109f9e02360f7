"""What a server really did, as it did it: the truth that the harness's findings are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.store.jsonl import Appender, read_lines


@dataclass(frozen=True, slots=True)
class Served:
    """One request, all times CLOCK_MONOTONIC of this machine.

    arrival: read from its socket. start, end: in service, by the schedule that the server kept to (the next request
    starts at this end). released: when its answer really was let go, a little after the end.
    """

    arrival_seconds: float
    start_seconds: float
    end_seconds: float
    released_seconds: float
    status: int

    @property
    def service_seconds(self) -> float:
        """Time in service."""
        return self.end_seconds - self.start_seconds

    @property
    def response_seconds(self) -> float:
        """From the arrival to the answer's release."""
        return self.released_seconds - self.arrival_seconds

    @property
    def overshoot_seconds(self) -> float:
        """How much later than its end the answer was let go: what real sleeping adds."""
        return self.released_seconds - self.end_seconds


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was done to one message for one receiver. fate: delivered, lost, duplicated or reordered."""

    monotonic_seconds: float
    client_id: str
    room: int
    receiver: str
    fate: str


class Log:
    """Rows kept in memory until ``flush``, so that writing does not disturb the serving. Without a path, no log."""

    def __init__(self, path: Path | None) -> None:
        self._lines = None if path is None else Appender(path)
        self._rows: list[object] = []

    def add(self, row: object) -> None:
        """Note a row."""
        if self._lines is not None:
            self._rows.append(row)

    def flush(self) -> None:
        """Write what was noted."""
        rows, self._rows = self._rows, []
        if self._lines is not None:
            self._lines.append(*rows)

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        if self._lines is not None:
            self._lines.close()
            self._lines = None


def read_served(path: Path) -> tuple[Served, ...]:
    """The requests that a server logged, in the order in which they were answered."""
    return tuple(read_lines(path, Served))


def read_delivered(path: Path) -> tuple[Delivered, ...]:
    """The deliveries that a chat server logged."""
    return tuple(read_lines(path, Delivered))


def capacity_per_second(served: Sequence[Served], servers: int) -> float:
    """The highest throughput of c servers with exactly these service times: c ÷ their mean. Raises ValueError without
    any."""
    good = [row.service_seconds for row in served if row.status == 200]
    if not good:
        raise ValueError("nothing was served")
    return servers * len(good) / sum(good)
