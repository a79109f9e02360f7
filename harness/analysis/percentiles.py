"""Percentiles by rank: nearest rank, and confidence intervals by order statistics (methodology §4, vectors T4, T9)."""

from __future__ import annotations

import math

from harness.analysis import binomial


def nearest_rank(share: float, count: int) -> int:
    """The rank ⌈p·n⌉, counted from 1 (Hyndman–Fan type 1, numpy's ``inverted_cdf``).

    The product is rounded to nine digits first: 0.07 · 100 is 7, not the 7.000000000000001 of binary fractions.
    Raises ValueError without observations or for a share outside 0 to 1.
    """
    if count < 1:
        raise ValueError("a rank needs an observation")
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0 and 1")
    return min(count, max(1, math.ceil(round(share * count, 9))))


def rank_interval(share: float, count: int, confidence: float = 0.95) -> tuple[int, int] | None:
    """Ranks l and u of the two-sided confidence interval [X_(l), X_(u)] of a quantile.

    l = max{j: P(Bin(n, p) ≤ j − 1) ≤ α/2}, u = min{j: P(Bin(n, p) ≤ j − 1) ≥ 1 − α/2} (methodology §4). None when the
    sample is too small for either end.
    """
    tail = (1 - confidence) / 2
    lower = binomial.largest(count, share, tail)
    upper = binomial.smallest(count, share, 1 - tail)
    return None if lower is None or upper is None else (lower, upper)


def upper_rank(share: float, count: int, confidence: float = 0.95) -> int | None:
    """The rank u of the one-sided upper bound X_(u) of a quantile; None when the sample is too small."""
    return binomial.smallest(count, share, confidence)


def rank_coverage(share: float, count: int, ranks: tuple[int, int]) -> float:
    """The true probability that [X_(l), X_(u)] holds the quantile: P(l ≤ Bin(n, p) ≤ u − 1)."""
    return binomial.below(count, share, ranks[1]) - binomial.below(count, share, ranks[0])
