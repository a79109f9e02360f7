"""What a person sees while the load runs, computed from the rows that have come so far. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from harness.analysis.histogram import quantile
from harness.model.plan import Level, LoadPlan, Phase
from harness.model.samples import Distribution, GeneratorSample, RequestRow

WINDOW_SECONDS = 10
"""Rates and percentiles are those of the last ten whole seconds."""
SILENT_SECONDS = 5.0
"""A worker that was not heard for so long is not shown any more: it was lost."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """One moment of the run. Rates per second, times in seconds; None where nothing has been seen yet.

    generator: of several workers the busiest, with all their sockets. workers: how many were heard of late.
    """

    elapsed_seconds: float
    level: Level | None
    phase: Phase | None
    left_seconds: float
    arrivals_per_second: float
    completed_per_second: float
    errors: int
    late: int
    dropped: int
    response_p50_seconds: float | None
    response_p95_seconds: float | None
    response_p99_seconds: float | None
    service_p95_seconds: float | None
    generator: GeneratorSample | None
    servers: Mapping[str, float]
    """Latest values by "source.metric"."""
    workers: int = 1


@dataclass(slots=True)
class _Second:
    offered: int = 0
    completed: int = 0
    response: Counter[int] = field(default_factory=Counter)
    service: Counter[int] = field(default_factory=Counter)


class LiveView:
    """Keeps the last seconds of HTTP rows; memory does not grow with the run."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._seconds: dict[int, _Second] = {}
        self._order: deque[int] = deque()
        self._ended = (0, 0)
        self.errors = 0
        self.late = 0
        self.dropped = 0

    def add(self, rows: Iterable[RequestRow]) -> None:
        """Take in new rows."""
        for row in rows:
            if row.kind == "job":
                continue
            self.errors += row.errors
            self.late += row.late
            self.dropped += row.dropped
            if row.kind in ("http", "upload"):
                self._ended = (self._ended[0] + row.completed, self._ended[1] + row.errors + row.dropped)
                second = self._second(row.second)
                second.offered += row.offered
                second.completed += row.completed
                second.response.update(row.response.buckets)
                second.service.update(row.service.buckets)

    def _second(self, number: int) -> _Second:
        if number not in self._seconds:
            self._seconds[number] = _Second()
            self._order.append(number)
            while len(self._order) > 4 * WINDOW_SECONDS:
                del self._seconds[self._order.popleft()]
        return self._seconds[number]

    def take_ended(self) -> tuple[int, int]:
        """Completed and bad HTTP requests among the rows that have come since the last call."""
        ended, self._ended = self._ended, (0, 0)
        return ended

    def status(
        self,
        elapsed_seconds: float,
        generator: GeneratorSample | None,
        servers: Mapping[str, float],
        workers: int = 1,
    ) -> LiveStatus:
        """The moment ``elapsed_seconds`` after the start of the load."""
        last = int(elapsed_seconds) - 1
        window = [
            self._seconds[number] for number in range(last - WINDOW_SECONDS, last) if number in self._seconds
        ]  # the running second and the one before it are still filling up
        response: Counter[int] = Counter()
        service: Counter[int] = Counter()
        for second in window:
            response.update(second.response)
            service.update(second.service)
        level, phase = position(self._plan, elapsed_seconds)
        seconds = max(1, min(WINDOW_SECONDS, last))  # those without any row as well: nothing happened in them
        return LiveStatus(
            elapsed_seconds=elapsed_seconds,
            level=level,
            phase=phase,
            left_seconds=max(0.0, self._plan.duration_seconds - elapsed_seconds),
            arrivals_per_second=sum(second.offered for second in window) / seconds,
            completed_per_second=sum(second.completed for second in window) / seconds,
            errors=self.errors,
            late=self.late,
            dropped=self.dropped,
            response_p50_seconds=_quantile(response, 0.5),
            response_p95_seconds=_quantile(response, 0.95),
            response_p99_seconds=_quantile(response, 0.99),
            service_p95_seconds=_quantile(service, 0.95),
            generator=generator,
            servers=servers,
            workers=workers,
        )


class Busiest:
    """What to show of the generator's health: of several workers the worst, and what they hold together."""

    def __init__(self) -> None:
        self._latest: dict[str, GeneratorSample] = {}

    def add(self, samples: Iterable[GeneratorSample]) -> None:
        """Take in new samples."""
        self._latest.update({sample.worker: sample for sample in samples})

    @property
    def count(self) -> int:
        """How many workers were heard of late."""
        return len(self._heard())

    @property
    def sample(self) -> GeneratorSample | None:
        """The busiest worker's latest, with the longest lag and the sum of the sockets. None before the first."""
        heard = self._heard()
        if not heard:
            return None
        return replace(
            max(heard, key=lambda sample: sample.cpu_ratio),
            loop_lag_p99_seconds=max(sample.loop_lag_p99_seconds for sample in heard),
            sockets=sum(sample.sockets for sample in heard),
        )

    def _heard(self) -> list[GeneratorSample]:
        newest = max((sample.monotonic_seconds for sample in self._latest.values()), default=0.0)
        return [each for each in self._latest.values() if newest - each.monotonic_seconds < SILENT_SECONDS]


def _quantile(buckets: Counter[int], p: float) -> float | None:
    count = buckets.total()
    return quantile(Distribution(buckets, count, 0.0, 0.0), p) if count else None


def position(plan: LoadPlan, elapsed_seconds: float) -> tuple[Level | None, Phase | None]:
    """Which level and phase that moment lies in; None before the first and after the last."""
    for level in plan.levels:
        for phase in level.phases:
            if phase.start_seconds <= elapsed_seconds < phase.end_seconds:
                return level, phase
    return None, None
