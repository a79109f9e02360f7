"""Confidence intervals: of a proportion (exact, and corrected for autocorrelation) and of a mean (methodology §4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri, stdtrit

ALPHA = 0.05
"""Every verdict's one-sided risk of a false statement."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of bad observations with its one-sided bounds.

    n, bad: what was counted. n_effective: after the correction for autocorrelation. deff: the design effect
    (1: observations as good as independent; also stated as 1 where bad = 0 or n says nothing about it).
    """

    n: int
    bad: int
    lower: float
    upper: float
    n_effective: float
    deff: float

    @property
    def share(self) -> float:
        """The bad share itself."""
        return self.bad / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean over batches with its one-sided bounds; batches: how many took part."""

    mean: float
    lower: float
    upper: float
    deviation: float
    batches: int


def clopper_pearson_upper(bad: float, n: float, alpha: float = ALPHA) -> float:
    """The exact one-sided upper bound BetaInv(1 − α; k + 1, n − k); takes fractional counts (Korn–Graubard)."""
    return 1.0 if bad >= n else float(betaincinv(bad + 1, n - bad, 1 - alpha))


def clopper_pearson_lower(bad: float, n: float, alpha: float = ALPHA) -> float:
    """The exact one-sided lower bound BetaInv(α; k, n − k + 1)."""
    return 0.0 if bad <= 0 else float(betaincinv(bad, n - bad + 1, alpha))


def clopper_pearson(bad: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """The exact two-sided interval."""
    return clopper_pearson_lower(bad, n, alpha / 2), clopper_pearson_upper(bad, n, alpha / 2)


def wilson(bad: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Wilson's two-sided score interval: for charts only, it is too short near zero (methodology §4)."""
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri(1 - alpha / 2))
    share = bad / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def korn_graubard(batches: Sequence[tuple[int, int]], alpha: float = ALPHA) -> Proportion:
    """A share from contiguous batches in time, each (bad, n), with one-sided bounds at α (vector T10).

    d_b = k_b − p̂·n_b; se² = B/(B−1)·Σd_b²/N²; deff = max(1, se² ÷ (p̂(1−p̂)/N)); n_eff = N/deff·(z₁₋α/t₁₋α,B₋₁)²;
    Clopper–Pearson on p̂·n_eff of n_eff (Korn and Graubard 1998; NCHS, PMC6896998). Where all or none are bad, or there
    are fewer than two batches, the spread says nothing about the design effect, and 1 is used.
    """
    used = [(bad, n) for bad, n in batches if n > 0]
    total = sum(n for _, n in used)
    bad = sum(bad for bad, _ in used)
    if total == 0:
        return Proportion(0, 0, 0.0, 1.0, 0.0, 1.0)
    share = bad / total
    deff, effective = 1.0, float(total)
    if 0 < bad < total and len(used) > 1:
        count = len(used)
        spread = sum((k - share * n) ** 2 for k, n in used)
        variance = count / (count - 1) * spread / total**2
        deff = max(1.0, variance / (share * (1 - share) / total))
        effective = total / deff * (float(ndtri(1 - alpha)) / float(stdtrit(count - 1, 1 - alpha))) ** 2
    return Proportion(
        n=total,
        bad=bad,
        lower=clopper_pearson_lower(share * effective, effective, alpha),
        upper=clopper_pearson_upper(share * effective, effective, alpha),
        n_effective=effective,
        deff=deff,
    )


def mean_interval(values: Sequence[float], alpha: float = ALPHA) -> MeanInterval | None:
    """One-sided t-bounds of the mean of batch means; None with fewer than two batches."""
    count = len(values)
    if count < 2:
        return None
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, 1 - alpha)) * deviation / math.sqrt(count)
    return MeanInterval(mean, mean - half, mean + half, deviation, count)


def minimum_n(allowed: float, bad: int = 0, alpha: float = ALPHA) -> int:
    """The fewest observations that prove "bad share < allowed" when ``bad`` of them are bad (methodology §4, table).

    Raises ValueError unless 0 < allowed < 1.
    """
    if not 0 < allowed < 1:
        raise ValueError("an allowed share lies between 0 and 1")
    low, high = bad + 1, bad + 1
    while clopper_pearson_upper(bad, high, alpha) > allowed:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if clopper_pearson_upper(bad, middle, alpha) <= allowed else (middle + 1, high)
    return low


def still_needed(seen: Proportion, allowed: float, alpha: float = ALPHA, most: int = 100_000_000) -> int | None:
    """How many more observations would settle it, if the share and its design effect stay as seen.

    Either "at most allowed" or "over allowed" is then proven. None when that takes more than ``most``, as for a share
    that lies right on the bound.
    """
    if allowed <= 0:
        return None
    worth = seen.n_effective / seen.n if seen.n else 1.0

    def settled(n: int) -> bool:
        effective = n * worth
        bad = seen.share * effective
        return (
            clopper_pearson_upper(bad, effective, alpha) <= allowed
            or clopper_pearson_lower(bad, effective, alpha) > allowed
        )

    low, high = seen.n, max(1, seen.n)
    while not settled(high):
        low, high = high, high * 2
        if high > most:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle + 1, high)
    return low - seen.n


def batches_needed(seen: MeanInterval, bound: float, alpha: float = ALPHA, most: int = 100_000) -> int | None:
    """How many more batches would settle a mean against its bound, if mean and spread stay as seen; None for more than
    ``most``."""
    distance = abs(seen.mean - bound)

    def settled(count: int) -> bool:
        return float(stdtrit(count - 1, 1 - alpha)) * seen.deviation / math.sqrt(count) < distance

    low, high = seen.batches, seen.batches
    while not settled(high):
        low, high = high, high * 2
        if high > most:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle + 1, high)
    return low - seen.batches
