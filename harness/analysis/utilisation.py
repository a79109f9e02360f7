"""Utilisation targets and uptime: what a run says of promises that are about months."""

from __future__ import annotations

import math

from harness.analysis.decide import Ruling
from harness.analysis.intervals import ALPHA, korn_graubard, mean_interval, minimum_n, still_needed
from harness.analysis.means import MOST_GAPS
from harness.analysis.observations import Gauge, Observation, Shares, Unobserved
from harness.analysis.phases import measured
from harness.analysis.proportions import hold_shares
from harness.analysis.tested import State, percent
from harness.analysis.timed import UNSEEN, Finding
from harness.model.measurement import Measurement
from harness.model.plan import Level
from harness.model.rule import BandRule, UptimeRule
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome, Severity

OVER = "over-provisioned"
INSIDE = "as planned"
BESIDE = "beside the target"
UNDER = "under-provisioned"
UNDECIDED = "undecided"
SUPPORTED = "supported"
NOT_SUPPORTED = "broken"
TOO_FEW = "too few requests"


def hold_band(rule: BandRule, seen: Observation) -> Finding:
    """The mean of a sampled series against its target. It informs, and has no say in the run's outcome."""
    if not isinstance(seen, Gauge):
        reason = seen.reason if isinstance(seen, Unobserved) else "only a sampled series has a utilisation"
        return _band(None, Outcome.INCONCLUSIVE, UNSEEN, reason)
    interval, unit = mean_interval(seen.means), rule.target.unit
    shown = mean_interval(seen.means, ALPHA / 2)  # two-sided
    mean = sum(seen.means) / len(seen.means)
    measurement = Measurement(
        sli=rule.sli,
        value=mean,
        unit=unit,
        n=seen.samples,
        lower=None if shown is None else max(0.0, shown.lower),
        upper=None if shown is None else shown.upper,
        maximum=seen.maximum,
        gap_ratio=seen.gap_ratio,
        method=f"t-bounds of {len(seen.means)} batch means",
    )
    words = f"mean {format_quantity(mean, unit)} of {rule.condition} wanted"
    if seen.gap_ratio > MOST_GAPS:
        return _band(
            measurement, Outcome.INCONCLUSIVE, UNSEEN, f"{words}; {percent(seen.gap_ratio)} of the phase was not seen"
        )
    if interval is None:
        return _band(measurement, Outcome.INCONCLUSIVE, UNDECIDED, f"{words}; one batch says nothing about its spread")
    low, high = interval.lower, interval.upper
    words += f" (between {format_quantity(max(0.0, low), unit)} and {format_quantity(high, unit)}, each 95 % sure)"
    if high < rule.over_below.value:
        limit = format_quantity(rule.over_below.value, unit)
        return _band(measurement, Outcome.PASS, OVER, f"{words}: below {limit}, larger than this load needs")
    if low > rule.under_above.value:
        limit = format_quantity(rule.under_above.value, unit)
        ruling = Ruling(
            Outcome.FAIL,
            Severity.WARNING,
            measurement,
            rule.under_above.value,
            f"{words}: above {limit}, too small for this load",
            said=UNDER,
        )
        return Finding(ruling, UNDER, False)
    if rule.target.value <= low and high <= rule.target.top:
        return _band(measurement, Outcome.PASS, INSIDE, words)
    if rule.over_below.value <= low and high <= rule.under_above.value:
        return _band(measurement, Outcome.PASS, BESIDE, f"{words}: not wholly inside, but the plan does not act yet")
    return _band(measurement, Outcome.INCONCLUSIVE, UNDECIDED, f"{words}: on an edge, a longer run narrows it")


def _band(measurement: Measurement | None, outcome: Outcome, state: str, reason: str) -> Finding:
    return Finding(Ruling(outcome, Severity.NONE, measurement, None, reason, said=state), state, False)


def hold_uptime(rule: UptimeRule, seen: Observation, level: Level, cells: int) -> Finding:
    """The share of requests answered well, with what it supports. A sample that is too small for the claim even if
    nothing were bad has no say in the run's outcome."""
    if not isinstance(seen, Shares):
        reason = seen.reason if isinstance(seen, Unobserved) else "only a share of events can stand for an uptime"
        return Finding(Ruling(Outcome.INCONCLUSIVE, Severity.NONE, None, None, reason, said=UNSEEN), UNSEEN, True)
    slo = Slo(
        rule.id,
        rule.title,
        rule.sli,
        SloKind.PROPORTION,
        Comparison.AT_LEAST,
        None,
        rule.least,
        rule.levels,
        rule.citation,
    )
    tested = hold_shares(slo, seen, rule.least, ALPHA / max(1, cells))
    found, allowed = korn_graubard(seen.batches), 1 - rule.least.value
    promised = format_quantity(rule.least.value, Unit.RATIO)
    good = f"{found.n - found.bad:,} of {found.n:,} {seen.noun} good"
    upper = tested.measurement.bad_upper
    supports = (
        f"the run supports “at least {supported_words(1.0 if upper is None else upper)} are answered” (95 % sure)"
    )
    aside = "an uptime counts months and outages that no run contains"
    if tested.state is State.KEPT:
        reason = f"{good}: {supports}, {promised} promised; {aside}"
        return Finding(
            Ruling(Outcome.PASS, Severity.NONE, tested.measurement, rule.least.value, reason, said=SUPPORTED),
            SUPPORTED,
            True,
        )
    if tested.state is State.BROKEN:
        ruling = Ruling(
            Outcome.FAIL,
            Severity.CRITICAL,
            tested.measurement,
            rule.least.value,
            f"{good}: {tested.words}",
            tested.proven,
            tested.admitted,
            tested.admitted_proven,
            said=NOT_SUPPORTED,
        )
        return Finding(ruling, NOT_SUPPORTED, True)
    enough = found.n >= minimum_n(allowed)
    more = still_needed(found, allowed)
    needed_seconds = None
    needed = "the share lies on the promise: no longer run would help"
    if more is not None:
        phase = measured(level).duration_seconds
        needed_seconds = phase * (found.n + more) / found.n
        needed = (
            f"{promised} takes {found.n + more:,} {seen.noun} if the share stays as it is, "
            f"{format_quantity(needed_seconds, Unit.SECONDS)} at this rate"
        )
    reason = f"{good}: {supports}, {promised} promised; {needed}; {aside}"
    ruling = Ruling(Outcome.INCONCLUSIVE, Severity.NONE, tested.measurement, rule.least.value, reason, said="nothing")
    return Finding(ruling, UNDECIDED if enough else TOO_FEW, enough, needed_seconds=needed_seconds)


def supported_words(bad_upper: float) -> str:
    """The good share that an upper bound of the bad one supports, rounded down, with two digits of the bad one."""
    if bad_upper >= 1:
        return "0 %"
    digits = max(0, 1 - math.floor(math.log10(bad_upper * 100))) if bad_upper > 0 else 2
    scale = 10**digits
    return f"{math.floor((1 - bad_upper) * 100 * scale + 1e-9) / scale:.{digits}f} %"
