"""How throughput grows with the requests in flight: the universal scalability law, fitted to the trials.

An estimate, on which no verdict rests.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from harness.analysis.usl import FARTHEST, Estimate, Refusal, UslFit, fit_usl
from harness.model.capacity import TrialResult
from harness.model.measurement import Basis
from harness.model.units import Unit
from harness.model.verdict import Outcome
from reports.capacity.material import CapacityMaterial
from reports.xy import Curve, Dot, Span, XyChart, render

_POINTS = 40


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of the law, with its interval."""

    name: str
    meaning: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Scalability:
    """refusal: why nothing was fitted; the rest is empty then. sentence: the finding in words."""

    basis: Basis
    refusal: str
    sentence: str = ""
    parameters: tuple[Parameter, ...] = ()
    figure: Markup | None = None


def build(material: CapacityMaterial) -> Scalability | None:
    """The section; None when no trial came to its end."""
    sound = tuple(
        result
        for result in material.verdict.results
        if result.outcome is not Outcome.INVALID and result.concurrency > 0 and result.throughput_per_second > 0
    )
    if not sound:
        return None
    fit = fit_usl([(result.concurrency, result.throughput_per_second) for result in sound])
    if isinstance(fit, Refusal):
        return Scalability(Basis.ESTIMATED, fit.reason)
    return Scalability(fit.basis, "", _sentence(fit), _parameters(fit), render(_chart(fit, sound)))


def _sentence(fit: UslFit) -> str:
    measured = f"{fit.loads} loads between {fit.lowest:.3g} and {fit.highest:.3g} requests in flight"
    if fit.peak is None:
        return f"Fitted to {measured}; no highest throughput is claimed: {fit.no_peak}."
    peak = fit.peak
    return (
        f"Fitted to {measured}: throughput is highest, at {peak.throughput_per_second:.3g}/s, "
        f"with {peak.concurrency:.3g} requests in flight."
    )


def _parameters(fit: UslFit) -> tuple[Parameter, ...]:
    return (
        _parameter("λ", "requests/s that one in flight would make", fit.rate_per_second),
        _parameter("σ", "share of the work that is done one at a time (contention)", fit.contention),
        _parameter("κ", "cost of every pair in flight (coherence)", fit.coherence),
    )


def _parameter(name: str, meaning: str, estimate: Estimate) -> Parameter:
    return Parameter(name, meaning, f"{estimate.value:.3g}", f"{estimate.lower:.3g} to {estimate.upper:.3g}")


def _chart(fit: UslFit, results: tuple[TrialResult, ...]) -> XyChart:
    most = FARTHEST * fit.highest
    line = []
    for step in range(1, _POINTS + 1):
        concurrency = most * step / _POINTS
        throughput = fit.throughput(concurrency)
        if isinstance(throughput, float):
            line.append((concurrency, throughput))
    return XyChart(
        id="scalability",
        title="Throughput by requests in flight",
        across="requests in flight, on average",
        unit=Unit.PER_SECOND,
        dots=tuple(_dot(result) for result in results),
        curves=(Curve("fitted", tuple(line), "second"),),
        spans=(Span("beyond what was measured: a projection", fit.highest, most),),
    )


def _dot(result: TrialResult) -> Dot:
    throughput, in_flight = result.throughput_per_second, result.concurrency
    words = f"trial {result.trial.number}: {throughput:.3g}/s with {in_flight:.3g} in flight"
    return Dot(in_flight, throughput, result.outcome, result.trial.number, words)
