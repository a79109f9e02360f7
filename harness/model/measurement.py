"""A measured value and how sure we are of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.units import Unit


class Basis(StrEnum):
    """Whether a number was measured or comes from a model of what was measured."""

    MEASURED = "MEASURED"
    ESTIMATED = "ESTIMATED"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One SLI over one level's measure phase.

    value: for a quantile SLO the quantile itself (what people read); lower and upper: its two-sided 95 % interval for
    display. n: observations, n_effective: after the correction for autocorrelation (methodology §4).
    bad, bad_lower, bad_upper: for proportion tests: observations on the wrong side of the decisive bound and the
    one-sided 95 % bounds of their share. maximum: the worst single observation. gap_ratio: share of the phase unseen.
    """

    sli: str
    value: float
    unit: Unit
    n: int
    lower: float | None = None
    upper: float | None = None
    n_effective: float | None = None
    bad: int | None = None
    bad_lower: float | None = None
    bad_upper: float | None = None
    maximum: float | None = None
    gap_ratio: float = 0.0
    method: str = ""
    basis: Basis = Basis.MEASURED
