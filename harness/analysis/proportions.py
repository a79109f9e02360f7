"""Shares of bad events against a bound: exact intervals, corrected for autocorrelation (methodology §4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis import histogram
from harness.analysis.exceedances import exceeded, is_counted
from harness.analysis.intervals import ALPHA, Proportion, cautious_share, clopper_pearson_upper, still_needed
from harness.analysis.observations import Shares, Times
from harness.analysis.percentiles import rank_interval
from harness.analysis.tested import (
    AT_LEAST_THIS,
    ON_THE_BOUND,
    State,
    Tested,
    against,
    is_lower_limit,
    percent,
    quantile_name,
)
from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Comparison, Slo
from harness.model.units import Unit, format_quantity


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A bad share as seen, with the bound above that counts every doubt as bad, and below as good."""

    seen: Proportion
    upper: float
    lower: float
    proven_lower: float

    def state(self, allowed: float) -> State:
        if self.upper <= allowed:
            return State.KEPT
        return State.BROKEN if self.lower > allowed else State.UNDECIDED


def _bounds(
    low: list[tuple[int, int]], high: list[tuple[int, int]], unresolved: int, alpha: float, batch_seconds: float
) -> _Bounds:
    worst, best = _doubtful(high, unresolved, bad=unresolved), _doubtful(low, unresolved, bad=0)
    return _Bounds(
        seen=cautious_share(low, ALPHA, batch_seconds),
        upper=cautious_share(worst, ALPHA, batch_seconds).upper,
        lower=cautious_share(best, ALPHA, batch_seconds).lower,
        proven_lower=cautious_share(best, alpha, batch_seconds).lower,
    )


def _doubtful(batches: list[tuple[int, int]], unresolved: int, *, bad: int) -> list[tuple[int, int]]:
    """With the unresolved in the last batch, so many of them bad."""
    if not batches:
        return batches
    seen_bad, n = batches[-1]
    return [*batches[:-1], (seen_bad + bad, n + unresolved)]


def hold_times(slo: Slo, seen: Times, bound: Figure, alpha: float, timeout_seconds: float) -> Tested:
    """A quantile as the share of events over the bound. timeout_seconds: the least time of what was not answered."""
    assert slo.quantile is not None
    low, high, exact = [], [], True
    for batch, absent in zip(seen.batches, seen.absent, strict=True):
        n = sum(row.offered for row in batch) + absent
        counts = [exceeded(row, bound.value) for row in batch]
        low.append((sum(least for least, _ in counts) + absent, n))
        high.append((sum(most for _, most in counts) + absent, n))
        exact = exact and all(is_counted(row, bound.value) for row in batch if row.offered)
    found = _bounds(low, high, seen.unresolved, alpha, seen.batch_seconds)
    allowed = 1 - slo.quantile
    state = found.state(allowed)
    measurement = _quantile(slo, seen, found, timeout_seconds)
    if not exact:
        measurement = replace(
            measurement, method=f"{measurement.method}; bound not counted exactly, from the histogram"
        )
    name, limit = quantile_name(slo), format_quantity(bound.value, bound.unit)
    unanswered = sum(row.errors + row.dropped for batch in seen.batches for row in batch) + sum(seen.absent)
    slower = f"slower than {limit}" + (" or without a good response" if unanswered else "")
    words = (
        f"{name} {_at_least(measurement)}{format_quantity(measurement.value, Unit.SECONDS)}; "
        f"{_share_words(found, state, slower, allowed)}, "
        f"{percent(allowed)} allowed, {found.seen.n:,} {seen.noun}{_extra(found.seen)}"
    )
    needed = _more(still_needed(found.seen, allowed), seen.noun)
    overlaps = state is State.UNDECIDED
    return Tested(state, measurement, words, needed, found.proven_lower > allowed, overlaps=overlaps)


def _quantile(slo: Slo, seen: Times, found: _Bounds, timeout_seconds: float) -> Measurement:
    assert slo.quantile is not None
    merged = histogram.merge(row.response for batch in seen.batches for row in batch)
    worse = found.seen.n - merged.count
    total = found.seen.n
    value = histogram.quantile(merged, slo.quantile, max(0, worse)) if total else None
    effective = max(1, round(found.seen.n_effective))
    ranks = rank_interval(slo.quantile, effective)
    lower = upper = None
    if ranks is not None:
        lower = histogram.quantile(merged, ranks[0] / effective, max(0, worse))
        upper = histogram.quantile(merged, ranks[1] / effective, max(0, worse))
    method = "share over the bound, Korn–Graubard over batches"
    if found.seen.bad == 0:
        seconds = len({row.second for batch in seen.batches for row in batch})
        method += f"; design effect 1 assumed; bad seconds at most {percent(clopper_pearson_upper(0, seconds))}"
    return Measurement(
        sli=slo.sli,
        value=max(merged.max_seconds, timeout_seconds) if value is None else value,
        unit=Unit.SECONDS,
        n=total,
        lower=lower,
        upper=upper,
        n_effective=found.seen.n_effective,
        bad=found.seen.bad,
        bad_lower=found.lower,
        bad_upper=found.upper,
        maximum=merged.max_seconds if merged.count else None,
        method=method + (f"; {AT_LEAST_THIS}: it lies among the unanswered" if value is None else ""),
    )


def _at_least(measurement: Measurement) -> str:
    return "at least " if is_lower_limit(measurement) else ""


def hold_shares(slo: Slo, seen: Shares, bound: Figure, alpha: float) -> Tested:
    """A share of good events (at least) or of bad ones (at most)."""
    allowed = 1 - bound.value if slo.comparison is Comparison.AT_LEAST else bound.value
    found = _bounds(list(seen.batches), list(seen.batches), seen.unresolved, alpha, seen.batch_seconds)
    shown = cautious_share(seen.batches, ALPHA / 2, seen.batch_seconds)  # two-sided
    good = slo.comparison is Comparison.AT_LEAST
    share = found.seen.share
    state = found.state(allowed)
    measurement = Measurement(
        sli=slo.sli,
        value=1 - share if good else share,
        unit=Unit.RATIO,
        n=found.seen.n,
        lower=1 - shown.upper if good else shown.lower,
        upper=1 - shown.lower if good else shown.upper,
        n_effective=found.seen.n_effective,
        bad=found.seen.bad,
        bad_lower=found.lower,
        bad_upper=found.upper,
        method="share, Korn–Graubard over batches",
    )
    words = (
        f"{found.seen.bad:,} of {found.seen.n:,} {seen.noun}{_extra(found.seen)} bad; "
        f"{_share_words(found, state, 'bad', allowed)}, {percent(allowed)} allowed"
    )
    needed = _more(still_needed(found.seen, allowed), seen.noun)
    return Tested(
        state,
        measurement,
        words,
        needed,
        proven=found.proven_lower > allowed,
        admitted=cautious_share(seen.faults, ALPHA, seen.batch_seconds).lower > allowed,
        admitted_proven=cautious_share(seen.faults, alpha, seen.batch_seconds).lower > allowed,
        overlaps=state is State.UNDECIDED,
    )


def hold_counted(slo: Slo, seen: Shares, bound: Figure) -> Tested:
    """A share that is a fact: every event counts, none stands for others."""
    bad, n = sum(bad for bad, _ in seen.batches), sum(n for _, n in seen.batches)
    good = slo.comparison is Comparison.AT_LEAST

    def share(bad: int, n: int) -> float:
        return 1 - bad / n if good else bad / n

    measurement = Measurement(slo.sli, share(bad, n), Unit.RATIO, n, bad=bad, method="every one counted")
    words = f"{n - bad:,} of {n:,} {seen.noun} good"
    if not seen.unresolved:
        return Tested(against(slo, share(bad, n), bound), measurement, words, proven=True)
    words += f", {seen.unresolved:,} more still under way when the run was cut short"
    state = against(slo, share(bad, n + seen.unresolved), bound)
    if state is State.KEPT and against(slo, share(bad + seen.unresolved, n + seen.unresolved), bound) is State.BROKEN:
        return Tested(State.UNDECIDED, measurement, words, "a complete run is needed")
    return Tested(state, measurement, words, proven=True)


def _share_words(found: _Bounds, state: State, what: str, allowed: float) -> str:
    lower, upper = percent(found.lower, allowed), percent(found.upper, allowed)
    match state:
        case State.KEPT:
            return f"at most {upper} {what} (95 % sure)"
        case State.BROKEN:
            return f"at least {lower} {what} (95 % sure)"
        case State.UNDECIDED:
            return f"between {lower} and {upper} {what} (each 95 % sure)"


def _extra(seen: Proportion) -> str:
    return "" if seen.deff <= 1.05 else f" (worth {seen.n_effective:,.0f} independent ones)"


def _more(count: int | None, noun: str) -> str:
    return f"about {count:,} more {noun} needed" if count is not None else ON_THE_BOUND
