"""What each endpoint did in each second of intended time, counted as it happens.

A request costs a few microseconds here and leaves nothing behind but counters: memory depends on endpoints × seconds
being filled, never on the number of requests. Rows are increments, so several processes may write to one file.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.model.samples import Distribution, RequestRow


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a row is about. kind: http, upload, socketio or job."""

    name: str
    flow: str
    kind: str
    probe: bool = False


class _Times:
    """A growing ``Distribution``, in integer microseconds so that its sum is exact.

    Log-linear buckets, S=7 (methodology §2): exact below 256 µs, then 128 to an octave (width ≤ 0.78 %). Worked out in
    place, since a call would cost as much again: this runs twice for each request.
    """

    __slots__ = ("buckets", "count", "maximum", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.maximum = 0

    def add(self, microseconds: int) -> None:
        shift = microseconds.bit_length() - 8
        index = microseconds if shift <= 0 else (shift << 7) + (microseconds >> shift)
        buckets = self.buckets
        buckets[index] = buckets.get(index, 0) + 1
        self.count += 1
        self.total += microseconds
        if microseconds > self.maximum:  # noqa: PLR1730  # max() would double the cost of this method
            self.maximum = microseconds

    def value(self) -> Distribution:
        return Distribution(self.buckets, self.count, self.total / 1e6, self.maximum / 1e6)


class _Cell:
    """One endpoint in one second, since the last flush."""

    __slots__ = ("completed", "dropped", "errors", "exceeded", "expected", "kinds", "late", "response", "service")

    def __init__(self, thresholds: int) -> None:
        self.completed = self.errors = self.dropped = self.late = self.expected = 0
        self.exceeded = [0] * thresholds
        self.kinds: Counter[str] = Counter()
        self.response = _Times()
        self.service = _Times()


class Recorder:
    """Counts by (endpoint, second). Times are in seconds.

    Only good responses enter the two distributions; an error or a dropped arrival has no time that could be compared,
    it is above every threshold instead (methodology §0.2).
    """

    def __init__(self, thresholds_seconds: Sequence[float]) -> None:
        self._thresholds = tuple(thresholds_seconds)
        self._cells: dict[tuple[Endpoint, int], _Cell] = {}

    def _cell(self, endpoint: Endpoint, second: int) -> _Cell:
        key = (endpoint, second)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell(len(self._thresholds))
        return cell

    def completed(self, endpoint: Endpoint, second: int, response: float, service: float) -> None:
        """A good response."""
        cell = self._cell(endpoint, second)
        cell.completed += 1
        # A clock that stands still between two readings gives 0, never less.
        cell.response.add(int(response * 1e6))
        cell.service.add(int(service * 1e6))
        for index, threshold in enumerate(self._thresholds):
            if response > threshold:
                cell.exceeded[index] += 1

    def failed(self, endpoint: Endpoint, second: int, kind: str) -> None:
        """A bad response, or none."""
        cell = self._cell(endpoint, second)
        cell.errors += 1
        cell.kinds[kind] += 1
        self._exceed_all(cell)

    def dropped(self, endpoint: Endpoint, second: int) -> None:
        """An arrival that was never started."""
        cell = self._cell(endpoint, second)
        cell.dropped += 1
        self._exceed_all(cell)

    def late(self, endpoint: Endpoint, second: int) -> None:
        """An arrival that started late; its response is counted besides, when it ends."""
        self._cell(endpoint, second).late += 1

    def expected(self, endpoint: Endpoint, second: int, count: int) -> None:
        """Deliveries that there should have been, whether they came or not."""
        self._cell(endpoint, second).expected += count

    @staticmethod
    def _exceed_all(cell: _Cell) -> None:
        cell.exceeded = [count + 1 for count in cell.exceeded]

    def take(self) -> tuple[RequestRow, ...]:
        """The increments since the last call, oldest second first."""
        cells, self._cells = self._cells, {}
        return tuple(
            RequestRow(
                second=second,
                endpoint=endpoint.name,
                flow=endpoint.flow,
                kind=endpoint.kind,
                completed=cell.completed,
                errors=cell.errors,
                dropped=cell.dropped,
                late=cell.late,
                response=cell.response.value(),
                service=cell.service.value(),
                exceeded=dict(zip(self._thresholds, cell.exceeded, strict=True)),
                error_kinds=dict(cell.kinds),
                expected=cell.expected,
                probe=endpoint.probe,
            )
            for (endpoint, second), cell in sorted(cells.items(), key=lambda item: item[0][1])
        )


class Meter:
    """Requests under way, for the law of conservation: ∫ in flight dt = Σ service times + the age of what is in flight.

    The two sides are computed apart (a running counter against each request's own two clock readings), in integer
    nanoseconds, so that any difference means a lost record and not a rounding.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._changed = clock()
        self._busy = 0
        self._service = 0
        self.started = self.completed = self.failed = self.in_flight = 0

    def begin(self) -> int:
        """A request starts; the reading to hand to ``end``."""
        now = self._advance()
        self.in_flight += 1
        self.started += 1
        return now

    def end(self, began: int, *, good: bool) -> int:
        """The request that began then has ended now."""
        now = self._advance()
        self.in_flight -= 1
        self._service += now - began
        if good:
            self.completed += 1
        else:
            self.failed += 1
        return now

    def _advance(self) -> int:
        now = self._clock()
        self._busy += self.in_flight * (now - self._changed)
        self._changed = now
        return now

    def totals(self) -> tuple[float, float]:
        """(∫ in flight dt until now, Σ service times), in seconds."""
        self._advance()
        return self._busy / 1e9, self._service / 1e9
