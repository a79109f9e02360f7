"""Response time and throughput against load: every trial, the bracket, the planned peak; and the table of trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from harness.analysis.capacity import peak_words, rate_words
from harness.analysis.trials import bad_words
from harness.model.capacity import TrialResult
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome
from reports.capacity.material import CapacityMaterial
from reports.charts import Bound
from reports.xy import Curve, Dot, Span, XyChart, render


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial as the table has it."""

    number: int
    purpose: str
    rate: str
    seconds: str
    outcome: Outcome
    p50: str
    p95: str
    p99: str
    throughput: str
    in_flight: str
    bad: str
    reason: str
    drained: bool
    folder: str


@dataclass(frozen=True, slots=True)
class Curves:
    """The section."""

    charts: tuple[tuple[str, str, Markup], ...]
    outcomes: tuple[Outcome, ...]
    rows: tuple[TrialRow, ...]
    budget: str
    end: str
    run_id: str


def build(material: CapacityMaterial) -> Curves | None:
    """The section; None when no trial came to its end."""
    results = material.verdict.results
    if not results:
        return None
    settings = material.found.search.settings
    charts = (_response(material), _throughput(material))
    spent = sum(result.took_seconds for result in results)
    return Curves(
        charts=tuple((chart.title, chart.note, render(chart)) for chart in charts),
        outcomes=tuple(outcome for outcome in Outcome if any(result.outcome is outcome for result in results)),
        rows=tuple(_row(result) for result in results),
        budget=f"{format_quantity(spent, Unit.SECONDS)} of {format_quantity(settings.budget_seconds, Unit.SECONDS)}",
        end=material.verdict.end.reason,
        run_id=material.found.manifest.run_id,
    )


def _response(material: CapacityMaterial) -> XyChart:
    search, results = material.found.search, material.verdict.results
    sound = [result for result in results if result.outcome is not Outcome.INVALID]
    bounds = () if search.bound_seconds is None else (Bound(search.bound_words, search.bound_seconds, "critical"),)
    return XyChart(
        id="response-against-load",
        title="Response time against load",
        across="requests/s planned",
        unit=Unit.SECONDS,
        dots=tuple(_dot(result, result.quantiles_seconds.get("0.95")) for result in results),
        curves=tuple(
            Curve(name, _by_rate(sound, key), style)
            for name, key, style in (("p50", "0.5", "second"), ("p95", "0.95", "first"), ("p99", "0.99", "third"))
        ),
        bounds=bounds,
        spans=_spans(material),
        log=True,
        note="each mark is a trial's p95, at the top where so many requests failed that there is none; "
        "the lines are medians over the sound trials of a rate",
    )


def _throughput(material: CapacityMaterial) -> XyChart:
    results = material.verdict.results
    most = max(result.trial.rate_per_second for result in results)
    return XyChart(
        id="throughput-against-load",
        title="Good responses against load",
        across="requests/s planned",
        unit=Unit.PER_SECOND,
        dots=tuple(_dot(result, result.throughput_per_second) for result in results),
        curves=(Curve("as planned", ((0.0, 0.0), (most, most)), "second"),),
        spans=_spans(material),
        note="on the line every request gets a good response; below it some fail, or are not answered",
    )


def _spans(material: CapacityMaterial) -> tuple[Span, ...]:
    bracket, peak = material.verdict.bracket, material.verdict.planned_peak
    spans = [Span(f"planned peak {peak_words(peak)}", peak.value)]
    lower, upper = bracket.lower_per_second, bracket.upper_per_second
    if lower is not None:
        above = "?" if upper is None else rate_words(upper)
        spans.append(Span(f"bracket {rate_words(lower)} to {above}", lower, upper))
    return tuple(spans)


def _dot(result: TrialResult, value: float | None) -> Dot:
    words = (
        f"trial {result.trial.number}, {result.trial.purpose}, {rate_words(result.trial.rate_per_second)}: "
        f"{result.outcome}; {result.reason}"
    )
    return Dot(result.trial.rate_per_second, value, result.outcome, result.trial.number, words)


def _by_rate(results: Sequence[TrialResult], quantile: str) -> tuple[tuple[float, float], ...]:
    """The median of each rate's trials, in order of the rates."""
    groups: dict[float, list[float]] = defaultdict(list)
    for result in results:
        seen = result.quantiles_seconds.get(quantile)
        if seen is not None:
            groups[result.trial.rate_per_second].append(seen)
    return tuple((rate, median(groups[rate])) for rate in sorted(groups))


def _row(result: TrialResult) -> TrialRow:
    def time(key: str) -> str:
        value = result.quantiles_seconds.get(key)
        return "–" if value is None else format_quantity(value, Unit.SECONDS)

    trial = result.trial
    return TrialRow(
        number=trial.number,
        purpose=trial.purpose,
        rate=rate_words(trial.rate_per_second),
        seconds=f"{trial.measure_seconds:g} s",
        outcome=result.outcome,
        p50=time("0.5"),
        p95=time("0.95"),
        p99=time("0.99"),
        throughput=rate_words(result.throughput_per_second),
        in_flight=f"{result.concurrency:.1f}",
        bad=bad_words(result),
        reason=result.reason,
        drained=result.drained,
        folder=result.folder,
    )
