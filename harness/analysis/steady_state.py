"""Is a level in a steady state? MSER-5 and three further tests (methodology §3, vectors T12, T13)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from harness.analysis.intervals import mean_interval


@dataclass(frozen=True, slots=True)
class Truncation:
    """Where MSER cuts off the warm-up. drop: observations to leave out, never more than half. unrestricted: where the
    minimum lies when it may lie anywhere (but in the last five batches). steady: that it lies in the first half."""

    drop: int
    unrestricted: int
    steady: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through a series by Theil and Sen: the median of all pairwise slopes, per step, with its
    two-sided 95 % interval."""

    slope: float
    lower: float
    upper: float


def mser(values: Sequence[float], batch: int = 5) -> Truncation:
    """MSER (White 1997), with batches of five MSER-5 (Spratt 1998).

    g(d) = Σ_{i>d}(Y_i − Ȳ_{>d})² ÷ (n − d)² over batch means Y; the drop is its argmin over d ≤ n/2. It always returns
    something, so the unrestricted argmin must lie in the first half too. Raises ValueError with fewer than 2 batches.
    """
    count = len(values) // batch
    if count < 2:
        raise ValueError("MSER needs two batches")
    means = np.asarray(values[: count * batch], dtype=float).reshape(count, batch).mean(axis=1)
    scores = [mser_score(means, drop) for drop in range(count)]
    restricted = int(np.argmin(scores[: count // 2 + 1]))
    unrestricted = int(np.argmin(scores[: max(1, count - 5)]))
    return Truncation(restricted * batch, unrestricted * batch, unrestricted <= count / 2)


def mser_score(means: Sequence[float] | np.ndarray, drop: int) -> float:
    """g(d) of the batch means."""
    kept = np.asarray(means, dtype=float)[drop:]
    return float(((kept - kept.mean()) ** 2).sum() / len(kept) ** 2)


def theil_sen(values: Sequence[float], confidence: float = 0.95) -> Trend | None:
    """The trend of evenly spaced values; None with fewer than four.

    The interval takes the pairwise slopes at ranks (N ∓ C)/2 with C = z·√(n(n−1)(2n+5)/18), from Kendall's tau
    (Sen 1968).
    """
    count = len(values)
    if count < 4:
        return None
    series = np.asarray(values, dtype=float)
    first, second = np.triu_indices(count, k=1)
    slopes = np.sort((series[second] - series[first]) / (second - first))
    reach = float(ndtri((1 + confidence) / 2)) * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - reach) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + reach) / 2))
    return Trend(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def backlog_grows(values: Sequence[float], material_growth: float) -> bool:
    """Whether a backlog (requests in flight, clients waiting, tasks queued) grows over evenly spaced batch means.

    Its slope is above zero with 97.5 % confidence, and over the whole series it grows by more than what is material:
    a queue of one task that became two is no overload.
    """
    trend = theil_sen(values)
    return trend is not None and trend.lower > 0 and trend.slope * (len(values) - 1) > material_growth


def drifts(values: Sequence[float], material_drift: float) -> bool:
    """Whether a series of batch means has a trend either way: the slope's interval leaves out 0, and the change over
    the whole series is more than what is material."""
    trend = theil_sen(values)
    if trend is None or trend.lower <= 0 <= trend.upper:
        return False
    return abs(trend.slope) * (len(values) - 1) > material_drift


def shifts(values: Sequence[float], at: int, material_shift: float) -> bool:
    """Whether the level of a series differs between what comes before ``at`` and what comes from there on.

    By their medians, which a short disturbance does not move: MSER takes one for a warm-up that ends with it.
    """
    if not 0 < at < len(values):
        return False
    return abs(float(np.median(values[:at])) - float(np.median(values[at:]))) > material_shift


def halves_agree(batches: Sequence[tuple[int, int]], alpha: float = 0.01, material_difference: float = 0.0) -> bool:
    """Whether the bad shares of the first and the second half of the batches (bad, n) agree, or differ by no more than
    what is material.

    Welch's two-sided test at α on the batches' shares, with the smaller half's degrees of freedom (conservative in
    favour of agreement); halves without a difference agree. Fewer than two filled batches in a half: nothing speaks
    against it.
    """
    shares = [bad / n for bad, n in batches if n > 0]
    middle = len(shares) // 2
    first, second = mean_interval(shares[:middle], alpha / 2), mean_interval(shares[middle:], alpha / 2)
    if first is None or second is None or first.mean == second.mean:
        return True
    # Each half-width is t·s/√B, so their root sum of squares is the half-width of the difference.
    reach = math.hypot(first.upper - first.mean, second.upper - second.mean)
    return abs(first.mean - second.mean) <= max(reach, material_difference)
