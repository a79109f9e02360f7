"""Confidence intervals: of a proportion (exact, and corrected for autocorrelation) and of a mean (methodology §4).

Verdicts rest on ``cautious_share`` and ``cautious_mean`` (docs/adr/0006).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.special import betaincinv, ndtri, stdtrit

ALPHA = 0.05
"""Every verdict's one-sided risk of a false statement."""
CARRIED_OVER = 0.5
"""Correlation from one second to the next that is allowed for between batches, whatever they show."""
_MOST_CARRIED = 0.5


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
    """A mean over batches with its one-sided bounds; deviation: of one batch; batches: how many took part."""

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


def allowance(batch_seconds: float) -> float:
    """By how much the variance of a mean exceeds what its batches of that length show, as seconds carry over.

    With a correlation of φ = 0.5 from each second to the next, batches of m seconds show the share
    1 − 2φ(1 − φᵐ) ÷ (m(1 − φ²)) of it: 1.64 for 3 s, 1.17 for 9 s, 1.05 for 30 s. 1 for an infinite length.
    """
    if math.isinf(batch_seconds):
        return 1.0
    phi, length = CARRIED_OVER, max(1.0, batch_seconds)
    return 1 / (1 - 2 * phi * (1 - math.pow(phi, length)) / (length * (1 - phi * phi)))


def carried_over(deviations: Sequence[float]) -> float:
    """The same as far as the batches themselves show it, from their deviations from the mean, in order of time.

    (1 + r) ÷ (1 − r) with r the correlation of neighbours, corrected for its bias of −(1 + 4r)/B (Kendall 1954), of 0
    to 0.5.
    """
    squares = math.fsum(each * each for each in deviations)
    if squares <= 0:
        return 1.0
    seen = math.fsum(before * after for before, after in pairwise(deviations)) / squares
    correlation = min(_MOST_CARRIED, max(0.0, seen + (1 + 4 * seen) / len(deviations)))
    return float((1 + correlation) / (1 - correlation))


def cautious_share(
    batches: Sequence[tuple[int, int]], alpha: float = ALPHA, batch_seconds: float = math.inf
) -> Proportion:
    """``korn_graubard`` with two corrections, without which its upper bound holds in 82 to 94 % of the runs, not in 95
    (docs/adr/0006).

    The part of the design effect above 1 is multiplied by ``allowance``, since neighbouring batches are not
    independent; for the upper bound by ``carried_over`` where that is more. (Not for the lower one: neighbouring
    batches that are all bad are an outage, which proves itself: vector T2.)

    And the upper bound U is the share whose own spread reaches down to what was seen. A higher share has more bursts
    (their variance grows with q) or higher ones (with q²); in between,
    deff(q) = 1 + (deff − 1)·√(q(1 − q) ÷ (p̂(1 − p̂))), and U solves
    U = BetaInv(1 − α; p̂·n_eff(U) + 1, (1 − p̂)·n_eff(U)). n_effective and deff are the upper bound's at p̂.
    """
    seen = korn_graubard(batches, alpha)
    if seen.deff <= 1:
        return seen
    granted = allowance(batch_seconds)
    carried = max(granted, carried_over([k - seen.share * n for k, n in batches if n > 0]))
    deff = 1 + (seen.deff - 1) * carried
    effective = seen.n_effective * seen.deff / deff
    below = seen.n_effective * seen.deff / (1 + (seen.deff - 1) * granted)
    return Proportion(
        n=seen.n,
        bad=seen.bad,
        lower=clopper_pearson_lower(seen.share * below, below, alpha),
        upper=_upper(seen.share, effective, deff, alpha),
        n_effective=effective,
        deff=deff,
    )


def _upper(share: float, effective: float, deff: float, alpha: float) -> float:
    """The upper bound whose design effect is that of the bound itself; ``effective`` and ``deff`` are the share's."""
    bound = clopper_pearson_upper(share * effective, effective, alpha)
    if deff <= 1 or not 0 < share < 1:
        return bound
    # Never over a half, where the spread would shrink again: the map is monotone, and nears its smallest fixed point.
    for _ in range(500):
        at = max(share, min(bound, 0.5))
        growth = max(1.0, math.sqrt(at * (1 - at) / (share * (1 - share))))
        worth = effective * deff / (1 + (deff - 1) * growth)
        before, bound = bound, clopper_pearson_upper(share * worth, worth, alpha)
        if bound - before < 1e-9:
            break
    return bound


def mean_interval(values: Sequence[float], alpha: float = ALPHA) -> MeanInterval | None:
    """One-sided t-bounds of the mean of independent values; None with fewer than two."""
    return _interval(values, alpha, lambda _: 1.0)


def cautious_mean(values: Sequence[float], alpha: float, batch_seconds: float) -> MeanInterval | None:
    """One-sided t-bounds of the mean of neighbouring batches' means, with a variance multiplied by ``allowance`` or
    ``carried_over``, the larger; None with fewer than two."""
    return _interval(values, alpha, lambda deviations: max(allowance(batch_seconds), carried_over(deviations)))


def _interval(values: Sequence[float], alpha: float, spread: Callable[[Sequence[float]], float]) -> MeanInterval | None:
    count = len(values)
    if count < 2:
        return None
    mean = math.fsum(values) / count
    deviations = [value - mean for value in values]
    deviation = math.sqrt(spread(deviations) * math.fsum(each * each for each in deviations) / (count - 1))
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
            clopper_pearson_lower(bad, effective, alpha) > allowed
            or _upper(seen.share, effective, seen.deff, alpha) <= allowed
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
