"""What each endpoint did in each second of intended time, counted as it happens.

A request costs about a microsecond here and leaves nothing behind but counters: memory depends on endpoints × seconds
being filled, never on the number of requests. Rows are increments, so several processes may write to one file.
docs/performance.md says what each part of it costs.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from harness.model.samples import Distribution, RequestRow


class Endpoint(NamedTuple):
    """What a row is about. kind: http, upload, socketio or job.

    A tuple, since it is hashed for every request: a dataclass's hash alone would cost as much as the whole record.
    """

    name: str
    flow: str
    kind: str
    probe: bool = False


class Times:
    """A growing ``Distribution``, in integer microseconds so that its sum is exact.

    Log-linear buckets, S=7 (methodology §2): exact below 256 µs, then 128 to an octave (width ≤ 0.78 %).
    """

    __slots__ = ("buckets", "maximum", "total")

    def __init__(self) -> None:
        self.buckets: defaultdict[int, int] = defaultdict(int)
        self.total = 0
        self.maximum = 0

    def add(self, seconds: float) -> None:
        """Count a time, which is not negative."""
        microseconds = int(seconds * 1e6)
        shift = microseconds.bit_length() - 8
        self.buckets[microseconds if shift <= 0 else (shift << 7) + (microseconds >> shift)] += 1
        self.total += microseconds
        if microseconds > self.maximum:  # noqa: PLR1730  # max() would double the cost of this method
            self.maximum = microseconds

    def value(self) -> Distribution:
        """The distribution so far."""
        buckets = dict(self.buckets)
        return Distribution(buckets, sum(buckets.values()), self.total / 1e6, self.maximum / 1e6)


class _Cell:
    """One endpoint in one second, since the last flush."""

    __slots__ = ("completed", "dropped", "expected", "kinds", "late", "over", "response", "service")

    def __init__(self, thresholds: int) -> None:
        self.completed = self.dropped = self.late = self.expected = 0
        self.over = [0] * (thresholds + 1)
        """By how many of the thresholds they are over: good responses."""
        self.kinds: Counter[str] = Counter()
        self.response = Times()
        self.service = Times()


class Recorder:
    """Counts by (endpoint, second). Times are in seconds.

    Only good responses enter the two distributions; an error or a dropped arrival has no time that could be compared,
    it is above every threshold instead (methodology §0.2).
    """

    def __init__(self, thresholds_seconds: Sequence[float]) -> None:
        self._thresholds = sorted(set(thresholds_seconds))
        self._least = self._thresholds[0] if self._thresholds else math.inf
        self._cells: dict[tuple[Endpoint, int], _Cell] = {}

    def _cell(self, endpoint: Endpoint, second: int) -> _Cell:
        key = (endpoint, second)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell(len(self._thresholds))
        return cell

    def completed(self, endpoint: Endpoint, second: int, response: float, service: float) -> None:
        """A good response.

        ``Times.add`` stands here twice, word by word: this runs for each request, and two calls would add a third to
        what it costs. A clock that stands still between two readings gives 0, never less.
        """
        cell = self._cells.get((endpoint, second)) or self._cell(endpoint, second)
        cell.completed += 1
        if response > self._least:
            cell.over[bisect_left(self._thresholds, response)] += 1
        times = cell.response
        microseconds = int(response * 1e6)
        shift = microseconds.bit_length() - 8
        times.buckets[microseconds if shift <= 0 else (shift << 7) + (microseconds >> shift)] += 1
        times.total += microseconds
        if microseconds > times.maximum:  # noqa: PLR1730
            times.maximum = microseconds
        times = cell.service
        microseconds = int(service * 1e6)
        shift = microseconds.bit_length() - 8
        times.buckets[microseconds if shift <= 0 else (shift << 7) + (microseconds >> shift)] += 1
        times.total += microseconds
        if microseconds > times.maximum:  # noqa: PLR1730
            times.maximum = microseconds

    def failed(self, endpoint: Endpoint, second: int, kind: str) -> None:
        """A bad response, or none."""
        self._cell(endpoint, second).kinds[kind] += 1

    def dropped(self, endpoint: Endpoint, second: int) -> None:
        """An arrival that was never started."""
        self._cell(endpoint, second).dropped += 1

    def late(self, endpoint: Endpoint, second: int) -> None:
        """An arrival that started late; its response is counted besides, when it ends."""
        self._cell(endpoint, second).late += 1

    def expected(self, endpoint: Endpoint, second: int, count: int) -> None:
        """Deliveries that there should have been, whether they came or not."""
        self._cell(endpoint, second).expected += count

    def take(self) -> tuple[RequestRow, ...]:
        """The increments since the last call, oldest second first."""
        cells, self._cells = self._cells, {}
        return tuple(
            self._row(endpoint, second, cell)
            for (endpoint, second), cell in sorted(cells.items(), key=lambda item: item[0][1])
        )

    def _row(self, endpoint: Endpoint, second: int, cell: _Cell) -> RequestRow:
        errors = cell.kinds.total()
        # Over the n-th threshold are those over n or more of them.
        over = [*accumulate(reversed(cell.over[1:]))][::-1]
        return RequestRow(
            second=second,
            endpoint=endpoint.name,
            flow=endpoint.flow,
            kind=endpoint.kind,
            completed=cell.completed,
            errors=errors,
            dropped=cell.dropped,
            late=cell.late,
            response=cell.response.value(),
            service=cell.service.value(),
            exceeded={
                threshold: count + errors + cell.dropped
                for threshold, count in zip(self._thresholds, over, strict=True)
            },
            error_kinds=dict(cell.kinds),
            expected=cell.expected,
            probe=endpoint.probe,
        )


class Meter:
    """Requests under way, for the law of conservation: ∫ in flight dt = Σ service times + the age of what is in flight.

    The two sides are computed apart, in integer nanoseconds, so that any difference means a lost record and not a
    rounding. The left one is summed over the edges of the step function "in flight" (−t at each start, +t at each end,
    in flight × now), the right one over each request's own two clock readings.
    """

    __slots__ = ("_clock", "_edges", "_service", "completed", "failed", "started")

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._edges = 0
        self._service = 0
        self.started = self.completed = self.failed = 0

    @property
    def in_flight(self) -> int:
        """Requests started and not yet ended."""
        return self.started - self.completed - self.failed

    def begin(self) -> int:
        """A request starts; the reading to hand to ``end``."""
        now = self._clock()
        self._edges -= now
        self.started += 1
        return now

    def end(self, began: int, *, good: bool, at: int = 0) -> int:
        """The request that began then has ended now, or ``at`` a reading of the clock; one from before is none."""
        now = at if at > began else self._clock()
        self._edges += now
        self._service += now - began
        if good:
            self.completed += 1
        else:
            self.failed += 1
        return now

    def totals(self) -> tuple[float, float]:
        """(∫ in flight dt until now, Σ service times), in seconds."""
        return (self._edges + self.in_flight * self._clock()) / 1e9, self._service / 1e9
