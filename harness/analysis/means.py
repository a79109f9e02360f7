"""Means of batches against a bound: gauges and throughput (methodology §4)."""

from __future__ import annotations

from harness.analysis.intervals import ALPHA, MeanInterval, batches_needed, cautious_mean
from harness.analysis.observations import Gauge, Throughput
from harness.analysis.rates import OFFERED_TOLERANCE
from harness.analysis.tested import ON_THE_BOUND, State, Tested, percent
from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Comparison, Slo
from harness.model.units import Unit, format_quantity

MOST_GAPS = 0.10
"""A gauge with more of its phase unseen is inconclusive."""
_ONE_BATCH = "one batch says nothing about its spread"


def hold_gauge(slo: Slo, seen: Gauge, bound: Figure, alpha: float) -> Tested:
    """The mean of a sampled series; its maximum is shown beside it."""
    means, unit, length = seen.means, bound.unit, seen.batch_seconds
    interval, strict, shown = (cautious_mean(means, risk, length) for risk in (ALPHA, alpha, ALPHA / 2))  # two-sided
    measurement = Measurement(
        sli=slo.sli,
        value=sum(means) / len(means),
        unit=unit,
        n=seen.samples,
        lower=None if shown is None else max(0.0, shown.lower),
        upper=None if shown is None else _possible(shown.upper, seen, unit),
        maximum=seen.maximum if slo.comparison is Comparison.AT_MOST else seen.minimum,
        gap_ratio=seen.gap_ratio,
        method=f"t-bounds of {len(means)} batch means",
    )
    limit = format_quantity(bound.value, unit)
    words = f"mean {format_quantity(measurement.value, unit)}"
    high_is_bad = slo.comparison is Comparison.AT_MOST
    worst = seen.maximum if high_is_bad else seen.minimum
    name = "highest" if high_is_bad else "lowest"
    highest = f"{name} {format_quantity(worst, unit)}, {slo.comparison.sign} {limit} allowed"
    if interval is None or strict is None:
        return Tested(State.UNDECIDED, measurement, f"{words}, {highest}", _ONE_BATCH)
    state, proven = _mean_state(slo, interval, strict, bound.value)
    words += f" ({_sure(slo, interval, state, unit)}), {highest}"
    if seen.gap_ratio > MOST_GAPS:
        return Tested(
            State.UNDECIDED, measurement, words, f"{percent(seen.gap_ratio)} of the phase was not seen, 10 % may be"
        )
    needed = _more(interval, bound.value, seen.batch_seconds)
    return Tested(state, measurement, words, needed, proven, overlaps=state is State.UNDECIDED)


def _possible(upper: float, seen: Gauge, unit: Unit) -> float:
    """Shares that were never seen above 100 % are not said to be above it on average."""
    return min(upper, 1.0) if unit is Unit.RATIO and seen.maximum <= 1 else upper


def _mean_state(slo: Slo, interval: MeanInterval, strict: MeanInterval, bound: float) -> tuple[State, bool]:
    if slo.comparison is Comparison.AT_MOST:
        kept, broken, proven = interval.upper <= bound, interval.lower > bound, strict.lower > bound
    else:
        kept, broken, proven = interval.lower >= bound, interval.upper < bound, strict.upper < bound
    return State.KEPT if kept else State.BROKEN if broken else State.UNDECIDED, proven


def hold_throughput(slo: Slo, seen: Throughput, bound: Figure, alpha: float) -> Tested:
    """Good responses per second. What was offered is the plan's own choice and exactly known, so only the shortfall
    (completed − offered) is uncertain: its t-bounds are laid on the planned rate, or on the offered one where that is
    off by more than 2 %: what was not offered was not carried."""
    shortfall = [done - asked for done, asked in zip(seen.completed, seen.offered, strict=True)]
    offered = sum(seen.offered) / len(seen.offered)
    base = seen.planned if abs(offered / seen.planned - 1) <= OFFERED_TOLERANCE else offered
    carried = [base + each for each in shortfall]
    length = seen.batch_seconds
    interval, strict, shown = (cautious_mean(carried, risk, length) for risk in (ALPHA, alpha, ALPHA / 2))  # two-sided
    measurement = Measurement(
        sli=slo.sli,
        value=sum(seen.completed) / len(seen.completed),
        unit=Unit.PER_SECOND,
        n=round(sum(seen.completed) * seen.batch_seconds),
        lower=None if shown is None else shown.lower,
        upper=None if shown is None else shown.upper,
        maximum=(min if slo.comparison is Comparison.AT_LEAST else max)(seen.completed),
        method=f"planned rate less the shortfall, t-bounds of {len(shortfall)} batch means",
    )
    words = f"{format_quantity(measurement.value, Unit.PER_SECOND)} completed of {offered:.1f}/s offered"
    if interval is None or strict is None:
        return Tested(State.UNDECIDED, measurement, words, _ONE_BATCH)
    needed = _more(interval, bound.value, seen.batch_seconds)
    state, proven = _mean_state(slo, interval, strict, bound.value)
    return Tested(state, measurement, words, needed, proven, overlaps=state is State.UNDECIDED)


def _more(interval: MeanInterval, bound: float, batch_seconds: float) -> str:
    more = batches_needed(interval, bound)
    return ON_THE_BOUND if more is None else f"about {more * batch_seconds:,.0f} s more needed"


def _sure(slo: Slo, interval: MeanInterval, state: State, unit: Unit) -> str:
    lower, upper = format_quantity(interval.lower, unit), format_quantity(interval.upper, unit)
    if state is State.UNDECIDED:
        return f"between {lower} and {upper}, each 95 % sure"
    low_side = (slo.comparison is Comparison.AT_MOST) == (state is State.BROKEN)
    return f"at {'least ' + lower if low_side else 'most ' + upper}, 95 % sure"
