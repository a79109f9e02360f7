"""What an SLI function hands to the judge: the observations of one level, not yet held against a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.analysis.rules import Recovery
from harness.model.samples import RequestRow


@dataclass(frozen=True, slots=True)
class Times:
    """Times of single events, in contiguous batches of rows.

    absent: for each batch, events that should have been and never were (deliveries): bad, whatever the bound.
    unresolved: still under way when the evidence ends; they count as bad in the upper bound and as good in the lower.
    noun: what was counted, in the plural.
    batch_seconds: length of a batch; infinite where batches tell nothing of each other.
    """

    batches: tuple[tuple[RequestRow, ...], ...]
    absent: tuple[int, ...]
    noun: str
    unresolved: int = 0
    batch_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Shares:
    """Good and bad events in contiguous batches of (bad, n).

    faults: likewise, only those bad events that the system itself admitted (HTTP 5xx): they are bad whatever the
    generator did. batch_seconds: as in ``Times``.
    """

    batches: tuple[tuple[int, int], ...]
    noun: str
    unresolved: int = 0
    faults: tuple[tuple[int, int], ...] = ()
    batch_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Gauge:
    """A sampled series as means of contiguous batches. gap_ratio: share of the phase's seconds without a value."""

    means: tuple[float, ...]
    samples: int
    minimum: float
    maximum: float
    gap_ratio: float
    batch_seconds: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """Arrivals and good responses per second, as means of contiguous batches."""

    offered: tuple[float, ...]
    completed: tuple[float, ...]
    planned: float
    batch_seconds: float


@dataclass(frozen=True, slots=True)
class Fact:
    """A count that needs no statistics. detail: what was counted, in words."""

    count: int
    detail: str


@dataclass(frozen=True, slots=True)
class Comeback:
    """The way back after 3x-peak. last_bad_seconds: end of the last window that was not good, after the load fell.

    later: (bad, n) of each watched second, for whoever must prove that it did not come back.
    """

    recovery: Recovery
    last_bad_seconds: float
    later: tuple[tuple[int, int], ...]
    allowed: float
    rule: str


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Nothing to judge by, and why. Missing evidence never passes."""

    reason: str


Observation = Times | Shares | Gauge | Throughput | Fact | Comeback | Unobserved
