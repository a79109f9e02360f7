"""The universal scalability law, fitted to throughput by measured concurrency (Gunther 2007; methodology §7).

X(N) = λN ÷ (1 + σ(N − 1) + κN(N − 1)): λ is the throughput of one, σ the share that is serial (contention), κ what
every pair costs (coherence). A fit is an estimate and never a verdict. It says nothing beyond 1.5 times the highest
concurrency that was measured, and claims a peak only where the data show one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares
from scipy.special import stdtrit

from harness.model.measurement import Basis

FEWEST_LOADS = 6
"""Three parameters are to be found, and what is left must say how well."""
LEAST_SPAN = 2.0
"""The highest concurrency is at least so many times the lowest: loads that are alike show no curve."""
SAME_LOAD = 1.01
"""Two trials whose concurrencies differ by less tell of one load."""
FARTHEST = 1.5
"""Times the highest measured concurrency: how far the curve may be drawn on."""
_CONFIDENCE = 0.95
_NEGLIGIBLE = 1e-6
"""A parameter that changes no throughput of the data by more than this share is 0."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no number."""

    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fitted parameter with its two-sided 95 % interval, value ± t·standard error; the ends are not cut at 0."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Peak:
    """Where throughput is highest: concurrency N_max = √((1 − σ)/κ), throughput per second."""

    concurrency: float
    throughput_per_second: float


@dataclass(frozen=True, slots=True)
class UslFit:
    """A fitted curve.

    rate_per_second: λ. contention: σ. coherence: κ. peak: None with the reason in no_peak. lowest, highest: the range
    of the measured concurrencies; loads: how many different ones. error_per_second: the residuals' standard
    deviation.
    """

    rate_per_second: Estimate
    contention: Estimate
    coherence: Estimate
    peak: Peak | None
    no_peak: str
    loads: int
    lowest: float
    highest: float
    error_per_second: float
    basis: Basis = Basis.ESTIMATED

    def throughput(self, concurrency: float) -> float | Refusal:
        """X(N) in requests per second, up to 1.5 times the measured range; beyond ``highest`` it is a projection."""
        if not 0 < concurrency <= FARTHEST * self.highest:
            return Refusal(
                f"a concurrency of {concurrency:.3g} is beyond {FARTHEST:g} times the highest measured one "
                f"({self.highest:.3g})"
                if concurrency > 0
                else "a concurrency is above 0"
            )
        return curve(concurrency, self._values)

    def concurrency(self, throughput_per_second: float) -> float | Refusal:
        """The smallest N with X(N) = that throughput: the smaller root of κX·N² + (X(σ − κ) − λ)N + X(1 − σ) = 0."""
        if throughput_per_second <= 0:
            return Refusal("a throughput is above 0")
        rate, contention, coherence = self._values
        a = coherence * throughput_per_second
        b = throughput_per_second * (contention - coherence) - rate
        c = throughput_per_second * (1 - contention)
        inside = b * b - 4 * a * c
        never = Refusal(f"by this curve the throughput never reaches {throughput_per_second:.4g}/s")
        if inside < 0 or b >= 0:
            return never
        found = 2 * c / (-b + math.sqrt(inside))  # also right for κ = 0, where a vanishes
        if found > FARTHEST * self.highest:
            return Refusal(
                f"{throughput_per_second:.4g}/s lie beyond {FARTHEST:g} times the highest measured concurrency "
                f"({self.highest:.3g})"
            )
        return found

    def is_projection(self, concurrency: float) -> bool:
        """Whether nothing was measured at so high a concurrency."""
        return concurrency > self.highest

    @property
    def _values(self) -> tuple[float, float, float]:
        return self.rate_per_second.value, self.contention.value, self.coherence.value


def curve(concurrency: float, values: tuple[float, float, float]) -> float:
    """X(N) for (λ, σ, κ)."""
    rate, contention, coherence = values
    more = concurrency - 1
    return rate * concurrency / (1 + contention * more + coherence * concurrency * more)


def fit_usl(points: Sequence[tuple[float, float]]) -> UslFit | Refusal:
    """The curve through (mean concurrency, throughput per second) of the trials, by least squares with λ, σ, κ ≥ 0."""
    if any(not (math.isfinite(n) and math.isfinite(x)) or n <= 0 or x < 0 for n, x in points):
        return Refusal("a trial has no concurrency or no throughput")
    concurrencies = sorted(n for n, _ in points)
    loads = 1 + sum(after > before * SAME_LOAD for before, after in pairwise(concurrencies)) if points else 0
    if loads < FEWEST_LOADS:
        return Refusal(f"{loads} different loads were measured, {FEWEST_LOADS} are needed")
    lowest, highest = concurrencies[0], concurrencies[-1]
    if highest < LEAST_SPAN * lowest:
        return Refusal(f"the concurrencies, {lowest:.3g} to {highest:.3g}, are too alike to show a curve")
    largest = max(x for _, x in points)
    if largest <= 0:
        return Refusal("no trial had any throughput")
    values, errors, deviation = _fit(np.array([n for n, _ in points]), np.array([x for _, x in points]) / largest)
    reach = float(stdtrit(len(points) - 3, (1 + _CONFIDENCE) / 2))
    rate, contention, coherence = (
        Estimate(value * scale, (value - reach * error) * scale, (value + reach * error) * scale)
        for value, error, scale in zip(values, errors, (largest, 1.0, 1.0), strict=True)
    )
    peak, no_peak = _peak(rate, contention, coherence, highest)
    return UslFit(rate, contention, coherence, peak, no_peak, loads, lowest, highest, deviation * largest)


def _fit(n: np.ndarray, x: np.ndarray) -> tuple[list[float], list[float], float]:
    """(λ, σ, κ), their standard errors from the curvature at the optimum, and the residuals' standard deviation."""
    more = n - 1

    def residuals(p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] * n / (1 + p[1] * more + p[2] * n * more) - x)

    def slopes(p: np.ndarray) -> np.ndarray:
        below = 1 + p[1] * more + p[2] * n * more
        by_contention = -p[0] * n * more / below**2
        return np.column_stack((n / below, by_contention, by_contention * n))

    start = [float((x / n).max()), 0.05, 1e-4]
    exact = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "x_scale": "jac"}
    found = least_squares(residuals, start, slopes, bounds=(0, np.inf), max_nfev=2000, **exact).x
    # The search nears a bound without ever reaching it.
    weight = np.abs(slopes(found)).max(axis=0) * found / x.max()
    found = np.where(weight < _NEGLIGIBLE, 0.0, found)
    deviation = math.sqrt(float((residuals(found) ** 2).sum()) / (len(n) - 3))
    jacobian = slopes(found)
    covariance = np.linalg.pinv(jacobian.T @ jacobian, hermitian=True, rcond=1e-30)
    return found.tolist(), (deviation * np.sqrt(np.diag(covariance))).tolist(), deviation


def _peak(rate: Estimate, contention: Estimate, coherence: Estimate, highest: float) -> tuple[Peak | None, str]:
    if coherence.lower <= 0:
        return None, "the data do not show that throughput falls again (the interval of κ holds 0)"
    if contention.value >= 1:
        return None, "more concurrency never brings more throughput (σ ≥ 1)"
    at = math.sqrt((1 - contention.value) / coherence.value)
    if at > highest:
        return None, f"the curve's highest point, at {at:.3g}, lies beyond the measured concurrencies ({highest:.3g})"
    return Peak(at, curve(at, (rate.value, contention.value, coherence.value))), ""
