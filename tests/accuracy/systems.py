"""Made-up systems whose true percentile, mean and share are known, and whose seconds resemble each other.

Every second has a state z of its own, a normal AR(1) series with correlation φ from each second to the next, that all
of its requests share. A response time is log-normal and the part ``together`` of its log-variance is its second's:
ln t = μ + s·(√together · z + √(1 − together) · ε). Whatever φ, every single response time has the same log-normal
distribution, so that the truth is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from harness.analysis.observations import Gauge, Shares, Times
from harness.model.figure import Citation, Figure, Provenance
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.oracle.simulation import observe, record
from harness.planning.profiles import profile_named

Floats = NDArray[np.float64]
RATE = 80
"""Requests per second."""
SPREAD = 0.5
"""Standard deviation of a response time's logarithm."""
MEDIAN_SECONDS = 0.1
TRUE_P95_SECONDS = MEDIAN_SECONDS * math.exp(SPREAD * float(ndtri(0.95)))
WHERE = Citation("made up", "")


@dataclass(frozen=True, slots=True)
class Shape:
    """How long is measured, and how much the requests share. φ: from each second to the next; together: see above."""

    profile: str
    phi: float
    together: float

    @property
    def seconds(self) -> int:
        """Of the measure phase."""
        return round(profile_named(self.profile).measure_seconds)

    @property
    def batch_seconds(self) -> float:
        """Of a batch."""
        return profile_named(self.profile).batch_seconds

    @property
    def batches(self) -> int:
        """Of the measure phase."""
        return profile_named(self.profile).batches


def states(rng: np.random.Generator, runs: int, seconds: int, phi: float) -> Floats:
    """z by run and second: AR(1), each standard normal."""
    found = np.empty((runs, seconds))
    found[:, 0] = rng.standard_normal(runs)
    fresh = rng.standard_normal((runs, seconds)) * math.sqrt(1 - phi * phi)
    for second in range(1, seconds):
        found[:, second] = phi * found[:, second - 1] + fresh[:, second]
    return found


def response_times(rng: np.random.Generator, shape: Shape, runs: int, bound_seconds: float) -> Iterator[Times]:
    """The response times of each run as the judge gets them, with the bound counted exactly."""
    second = np.repeat(np.arange(shape.seconds), RATE)
    # One row for a batch holds what the rows of its seconds add up to.
    start = (second // round(shape.batch_seconds) * round(shape.batch_seconds)).astype(np.float64)
    for state in states(rng, runs, shape.seconds, shape.phi):
        own = rng.standard_normal(len(second))
        log = math.sqrt(shape.together) * state[second] + math.sqrt(1 - shape.together) * own
        rows = record(start, MEDIAN_SECONDS * np.exp(SPREAD * log), (bound_seconds,))
        yield observe(rows, range(shape.seconds), shape.batch_seconds)


def shares(rng: np.random.Generator, shape: Shape, runs: int, bad_share: float) -> Iterator[Shares]:
    """Good and bad events of each run; every single one is bad with that probability."""
    state = states(rng, runs, shape.seconds, shape.phi)
    latent = (float(ndtri(bad_share)) + math.sqrt(shape.together) * state) / math.sqrt(1 - shape.together)
    bad = rng.binomial(RATE, ndtr(latent)).reshape(runs, shape.batches, -1).sum(axis=2)
    n = RATE * shape.seconds // shape.batches
    for run in bad.tolist():
        yield Shares(tuple((each, n) for each in run), "requests", batch_seconds=shape.batch_seconds)


def gauges(rng: np.random.Generator, shape: Shape, runs: int, mean: float, deviation: float) -> Iterator[Gauge]:
    """A series sampled once a second, with that mean and standard deviation of a single value."""
    values = mean + deviation * states(rng, runs, shape.seconds, shape.phi)
    means = values.reshape(runs, shape.batches, -1).mean(axis=2)
    for each, batch in zip(values, means, strict=True):
        least, most = float(each.min()), float(each.max())
        yield Gauge(tuple(batch.tolist()), shape.seconds, least, most, 0.0, shape.batch_seconds)


def slo(kind: SloKind, bound: float, unit: Unit, comparison: Comparison = Comparison.AT_MOST) -> Slo:
    """An SLO with that critical bound; a quantile is the p95."""
    figure = Figure("bound", bound, unit, Provenance.STATED, WHERE)
    quantile = 0.95 if kind is SloKind.QUANTILE else None
    return Slo("made-up", "Made up", "made_up", kind, comparison, None, figure, ("peak",), WHERE, quantile)
