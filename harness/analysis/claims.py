"""What a pair of runs shows of a claim: before, after, the factor with its interval, and how the plan's lies to it.

Each mean has an interval that is wrong in 2.5 % of all cases, so that both hold at once with at least 95 %
(Bonferroni); the factor's interval are the quotients of their far ends. Two runs are two runs: what else was different
between them, such as a neighbour on the host, is not in the interval. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis.intervals import ALPHA
from harness.analysis.judge import judge
from harness.analysis.predictions import observed
from harness.model.claims import COMPLETE, ClaimResult, ClaimsEvidence, ClaimsFound, Support
from harness.model.evidence import Evidence
from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.target import Claim, Switch
from harness.model.units import Unit

SHOWS: Mapping[Switch, str] = {
    Switch.INDEXES: "query_seconds",
    Switch.CACHE: "response_seconds",
    Switch.N_PLUS_ONE: "queries_per_request",
    Switch.COMPRESSION: "response_bytes",
    Switch.HEAVY_QUEUE: "response_seconds",
    Switch.PGBOUNCER: "postgres_connections",
}
"""What a switch is to make better, unless the claim itself says what it shows."""
HIGHER_IS_BETTER = ("requests_per_core", "requests_per_second", "cache_hit_ratio", "redis_hit_ratio")
SHARES = ("cache_hit_ratio", "redis_hit_ratio")
"""Compared by their difference: without a cache nothing is hit, and no factor leads from there."""

DUST = 1e-9
"""What binary fractions add to a comparison."""

Interval = tuple[float, float, float]
"""Value, lower, upper."""


def measure_of(claim: Claim) -> str:
    """The measure that the claim is held against. Raises KeyError for a claim without a switch that shows nothing."""
    if claim.shows:
        return claim.shows
    if claim.switch is None:
        raise KeyError(claim.id)
    ratio = claim.switch is Switch.CACHE and any(
        figure is not None and figure.unit is Unit.RATIO for figure in (claim.before, claim.after)
    )
    if ratio:
        return "cache_hit_ratio"
    timed = claim.before is not None and claim.before.unit is Unit.SECONDS
    return "response_seconds" if timed and claim.endpoint else SHOWS[claim.switch]


def find(evidence: ClaimsEvidence) -> ClaimsFound:
    """All claims that were asked for. Only runs whose whole load was offered count."""
    runs: dict[tuple[Switch, bool], tuple[Evidence, tuple[str, ...]]] = {}
    for run, read in zip(evidence.runs, evidence.read, strict=True):
        if read is not None and run.ended == COMPLETE:
            runs[run.switch, run.improved] = read, _unsound(read)
    results = []
    for claim in evidence.asked.claims:
        assert claim.switch is not None  # those without one are not asked for
        before, after = runs.get((claim.switch, False)), runs.get((claim.switch, True))
        unsound = tuple(dict.fromkeys(title for side in (before, after) if side is not None for title in side[1]))
        results.append(compare_claim(claim, before and before[0], after and after[0], unsound))
    ended = evidence.ended or "the harness was ended: nothing more was written"
    return ClaimsFound(tuple(results), evidence.runs, "" if ended == COMPLETE else ended)


def compare_claim(
    claim: Claim, before: Evidence | None, after: Evidence | None, unsound: tuple[str, ...] = ()
) -> ClaimResult:
    """One claim, from the runs without and with what it speaks of; None where there is no such run."""
    name = measure_of(claim)
    difference = name in SHARES
    planned = planned_difference(claim) if difference else planned_factor(claim)
    was, now = (_seen(claim, name, evidence) for evidence in (before, after))

    def result(support: Support, reason: str, found: Interval | None = None) -> ClaimResult:
        value, lower, upper = found or (None, None, None)
        low, high = planned or (None, None)
        return ClaimResult(claim, name, was, now, value, lower, upper, low, high, support, reason, difference, unsound)

    if before is None or after is None:
        return result(Support.NOT_MEASURED, "its pair of runs was not made")
    if difference and now is not None:
        found = _difference(was, now)
    elif was is None or now is None:
        return result(Support.NOT_MEASURED, f"nothing was seen of it {'before' if was is None else 'after'}")
    else:
        found = _factor(was, now, higher=name in HIGHER_IS_BETTER)
    if found is None:
        return result(Support.UNDECIDED, "too little was seen for an interval")
    if planned is None:
        return result(Support.UNDECIDED, "the plan's number is none of this measure", found)
    support = supports(found, planned, neutral=0.0 if difference else 1.0)
    if unsound:
        return result(Support.UNDECIDED, f"the evidence is not sound: {', '.join(unsound)}", found)
    return result(support, REASONS[support], found)


REASONS: Mapping[Support, str] = {
    Support.SUPPORTED: "the measured interval and the plan's number overlap, and there is an effect",
    Support.MORE: "all of the measured interval lies above the plan's number",
    Support.LESS: "there is an effect, but all of the measured interval lies below the plan's number",
    Support.NO_EFFECT: "the measured interval holds no effect at all, and not the plan's number",
    Support.WORSE: "all of the measured interval lies on the other side of no effect",
    Support.UNDECIDED: "the measured interval holds the plan's number and no effect at all: a longer run narrows it",
}


def supports(found: Interval, planned: tuple[float, float], *, neutral: float) -> Support:
    """How an interval lies to the plan's range and to no effect."""
    _, lower, upper = found
    low, high = planned
    if upper < neutral:
        return Support.WORSE
    overlaps = lower <= high * (1 + DUST) and low * (1 - DUST) <= upper
    if lower <= neutral <= upper:
        return Support.UNDECIDED if overlaps else Support.NO_EFFECT
    if overlaps:
        return Support.SUPPORTED
    return Support.MORE if lower > high else Support.LESS


def planned_factor(claim: Claim) -> tuple[float, float] | None:
    """How many times better, by the plan: its factor, or from before and after, the reduction or the increase; None
    where none of them is said."""
    name = measure_of(claim)
    if claim.factor is not None:
        return claim.factor.value, claim.factor.top
    if claim.before is not None and claim.after is not None:
        less, more = (claim.before, claim.after) if name in HIGHER_IS_BETTER else (claim.after, claim.before)
        return (more.value / less.top, more.top / less.value) if less.value > 0 else None
    if claim.reduction is not None and claim.reduction.top < 1:
        return 1 / (1 - claim.reduction.value), 1 / (1 - claim.reduction.top)
    if claim.increase is not None:
        return 1 + claim.increase.value, 1 + claim.increase.top
    return None


def planned_difference(claim: Claim) -> tuple[float, float] | None:
    """Of a share: what it grows by, or what it comes to from nothing."""
    figure: Figure | None = claim.increase or claim.after
    if figure is None or figure.unit is not Unit.RATIO:
        return None
    before = 0.0 if claim.before is None or claim.increase is not None else claim.before.value
    return figure.value - before, figure.top - before


def _seen(claim: Claim, name: str, evidence: Evidence | None) -> Measurement | None:
    if evidence is None:
        return None
    return observed(evidence, evidence.plan.levels[0], name, endpoint=claim.endpoint, alpha=ALPHA / 2)


def _unsound(evidence: Evidence) -> tuple[str, ...]:
    """The titles of the checks that failed."""
    return tuple(check.title for check in judge(evidence).checks if check.passed is False)


def _factor(before: Measurement, after: Measurement, *, higher: bool) -> Interval | None:
    more, less = (after, before) if higher else (before, after)
    if more.lower is None or more.upper is None or less.lower is None or less.upper is None or less.value <= 0:
        return None
    return more.value / less.value, more.lower / less.upper, more.upper / less.lower if less.lower > 0 else float("inf")


def _difference(before: Measurement | None, after: Measurement) -> Interval | None:
    if after.lower is None or after.upper is None:
        return None
    if before is None:  # without a cache no key is looked up
        return after.value, after.lower, after.upper
    if before.lower is None or before.upper is None:
        return None
    return after.value - before.value, after.lower - before.upper, after.upper - before.lower
