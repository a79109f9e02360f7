"""Server samples by source, on the seconds of the load, and the stretches in which something held."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.model.evidence import Evidence

SUSTAINED_SAMPLES = 3
"""So many samples in a row are no blip."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one source said at one second of the load; ``values`` is empty for a gap."""

    second: float
    values: Mapping[str, float]

    def get(self, key: str) -> float:
        """The value, or NaN where it was not seen: no comparison with NaN holds."""
        return self.values.get(key, math.nan)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds of the load from the first sample in which something held to the last."""

    start_seconds: float
    end_seconds: float


class Watched:
    """All samples of the time under load."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.load_start_seconds or 0.0
        self.host_cores = max(1, evidence.manifest.host.cpu_cores)
        self._sources: dict[str, list[Sample]] = {}
        self._periods: dict[str, float] = {}
        for row in evidence.servers:
            second = row.monotonic_seconds - start
            self._periods.setdefault(row.source, row.period_seconds)
            if 0 <= second <= evidence.plan.duration_seconds:
                self._sources.setdefault(row.source, []).append(Sample(second, row.values))

    def samples(self, source: str) -> Sequence[Sample]:
        """Those of one source, in the order of time."""
        return self._sources.get(source, ())

    def sampled(self, source: str) -> bool:
        """Whether somebody looked at it at all, with success or without."""
        return source in self._periods

    def period_seconds(self, source: str) -> float:
        """Between two samples."""
        return self._periods.get(source, 1.0)

    def points(self, source: str, key: str) -> tuple[tuple[float, float], ...]:
        """(second, value) of each sample that has the key."""
        return tuple((sample.second, sample.values[key]) for sample in self.samples(source) if key in sample.values)

    def seen(self, source: str, *keys: str) -> bool:
        """Whether each of the keys was seen at all."""
        return all(any(key in sample.values for sample in self.samples(source)) for key in keys)

    def near(self, source: str, key: str, second: float) -> float:
        """The last value at that second, at most five samples old; NaN without one."""
        reach = 5 * self.period_seconds(source)
        values = [value for at, value in self.points(source, key) if second - reach <= at <= second]
        return values[-1] if values else math.nan

    def mean(self, source: str, key: str, first: float, last: float) -> float:
        """Over the samples from one second to another; NaN without any."""
        values = [value for at, value in self.points(source, key) if first <= at <= last]
        return sum(values) / len(values) if values else math.nan

    def highest(self, source: str, key: str) -> float:
        """The highest value; NaN without any."""
        return max((value for _, value in self.points(source, key)), default=math.nan)

    def grown(self, source: str, key: str, first: float, last: float) -> int:
        """How much a counter grew from one second to another; 0 where it was not seen."""
        values = [value for at, value in self.points(source, key) if first <= at <= last]
        return round(max(0.0, values[-1] - values[0])) if values else 0

    def kept(self, source: str, key: str) -> float | None:
        """The largest value that held for three samples in a row; None with fewer samples."""
        values = [value for _, value in self.points(source, key)]
        windows = zip(values, values[1:], values[2:], strict=False)
        return max((min(window) for window in windows), default=None)


def stretches(
    samples: Sequence[Sample], holds: Callable[[Sample], bool], least_samples: int = SUSTAINED_SAMPLES
) -> tuple[Stretch, ...]:
    """Where it held for so many samples in a row. A gap neither counts nor ends a stretch."""
    found: list[Stretch] = []
    run: list[float] = []
    for sample in (*samples, Sample(math.inf, {"end": 0.0})):
        if not sample.values:
            continue
        if math.isfinite(sample.second) and holds(sample):
            run.append(sample.second)
            continue
        if len(run) >= least_samples:
            found.append(Stretch(run[0], run[-1]))
        run = []
    return tuple(found)


def growth(samples: Sequence[Sample], key: str) -> tuple[Stretch, ...]:
    """Each sample in which a counter had grown since the one before."""
    found: list[Stretch] = []
    before = math.nan
    for sample in samples:
        now = sample.get(key)
        if now > before:
            found.append(Stretch(sample.second, sample.second))
        if not math.isnan(now):
            before = now
    return tuple(found)


def merged(found: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """Stretches that overlap or lie within two seconds of each other are one."""
    kept: list[Stretch] = []
    for stretch in sorted(found, key=lambda each: each.start_seconds):
        if kept and stretch.start_seconds <= kept[-1].end_seconds + 2:
            kept[-1] = Stretch(kept[-1].start_seconds, max(kept[-1].end_seconds, stretch.end_seconds))
        else:
            kept.append(stretch)
    return tuple(kept)
