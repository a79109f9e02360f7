"""Sums of the binomial distribution by rank."""

from __future__ import annotations

from scipy.special import bdtr


def below(count: int, share: float, rank: int) -> float:
    """P(Bin(count, share) ≤ rank − 1)."""
    return 0.0 if rank < 1 else float(bdtr(rank - 1, count, share))


def largest(count: int, share: float, tail: float) -> int | None:
    """The largest rank j of 1…count with P(Bin ≤ j − 1) ≤ tail; None when there is none."""
    low, high = 0, count  # below() grows with the rank: bisect, keeping low on the good side
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if below(count, share, middle) <= tail else (low, middle - 1)
    return low or None


def smallest(count: int, share: float, tail: float) -> int | None:
    """The smallest rank j of 1…count with P(Bin ≤ j − 1) ≥ tail; None when there is none."""
    low, high = 1, count + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if below(count, share, middle) >= tail else (middle + 1, high)
    return low if low <= count else None
