"""How long a run it takes before a share of single events can be judged at all, at the plan's own rate."""

from __future__ import annotations

from harness.analysis.intervals import minimum_n
from harness.analysis.phases import measured
from harness.analysis.timed import run_seconds
from harness.model.due import events_planned
from harness.model.plan import Level, LoadPlan
from harness.model.rule import duration_words
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit, format_quantity


def longer(slo: Slo, plan: LoadPlan, level: Level) -> str:
    """What it would take where the plan's rate gives fewer events than prove anything, even if none is bad; empty where
    it gives enough. Rates are never raised for it: a plan's small load is its load."""
    if slo.kind not in (SloKind.QUANTILE, SloKind.PROPORTION):
        return ""
    needed = minimum_n(allowed_share(slo))
    per_second, noun = events_planned(plan, level, slo.sli)
    if per_second * measured(level).duration_seconds >= needed:
        return ""
    if per_second <= 0:
        return f"it takes {needed:,} {noun}, and the plan has none at this level"
    seconds = needed / per_second
    rate = format_quantity(float(f"{per_second:.3g}"), Unit.PER_SECOND)
    return (
        f"it takes {needed:,} {noun} if none is bad: {duration_words(round(seconds))} measured at {rate}, "
        f"a run of {duration_words(round(run_seconds(plan, level, seconds)))}"
    )


def allowed_share(slo: Slo) -> float:
    """The share of bad events that the decisive bound allows."""
    if slo.quantile is not None:
        return 1 - slo.quantile
    bound = slo.critical or slo.warning
    assert bound is not None  # Slo's own invariant
    allowed = 1 - bound.value if slo.comparison is Comparison.AT_LEAST else bound.value
    return min(max(allowed, 1e-6), 1 - 1e-6)
