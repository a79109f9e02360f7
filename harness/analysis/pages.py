"""How long a page took, as a browser saw it beside the load: to its first contentful paint, and until it had loaded."""

from __future__ import annotations

from collections.abc import Callable

from harness.analysis.histogram import bucket_index
from harness.analysis.observations import Observation, Times, Unobserved
from harness.analysis.phases import batch_ranges, load_second, measured, seconds_of
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.rule import TimedRule
from harness.model.samples import Distribution, PageView, RequestRow
from harness.model.slo import LOAD_SLI, PAINT_SLI

PAGE_KIND = "page"


def first_contentful_paint_seconds(evidence: Evidence, level: Level) -> Observation:
    """Times from the start of the navigation to the first contentful paint. A page that painted nothing in time, or
    answered with an error, is bad; one that the browser could not open may have been either."""
    return _times(evidence, level, PAINT_SLI, lambda page: page.paint_seconds, "nothing was painted in time")


def page_load_seconds(evidence: Evidence, level: Level) -> Observation:
    """Times from the start of the navigation to the end of the load event, likewise: a page that was painted but had
    not loaded in time is bad."""
    return _times(evidence, level, LOAD_SLI, lambda page: page.load_seconds, "it had not loaded in time")


def _times(
    evidence: Evidence, level: Level, sli: str, taken: Callable[[PageView], float | None], bad: str
) -> Observation:
    seconds = seconds_of(measured(level))
    seen, missed, reason = [], 0, ""
    for page in evidence.pages:
        second = load_second(evidence, page.monotonic_seconds)
        reason = page.reason if not page.opened else reason
        if second is None or not seconds.start <= second < seconds.stop:
            continue
        if page.opened:
            seen.append(_row(evidence, sli, taken(page), page.reason or bad, int(second)))
        else:
            missed += 1
    if not seen:
        return Unobserved(f"no browser saw the page{f': {reason}' if reason else ''}")
    ranges = batch_ranges(seconds, evidence.plan.batch_seconds)
    batches = tuple(tuple(row for row in seen if row.second in batch) for batch in ranges)
    return Times(batches, tuple(0 for _ in batches), "page views", missed, evidence.plan.batch_seconds)


def _row(evidence: Evidence, sli: str, took: float | None, bad: str, second: int) -> RequestRow:
    """One view, held exactly against each of the stage's bounds."""
    stage = evidence.subject.stage
    bounds = [bound for slo in stage.slos if slo.sli == sli for bound in (slo.warning, slo.critical)]
    bounds += [rule.threshold for rule in stage.rules if isinstance(rule, TimedRule) and rule.sli == sli]
    exceeded = {bound.value: int(took is None or took > bound.value) for bound in bounds if bound is not None}
    if took is None:
        nothing = Distribution({}, 0, 0.0, 0.0)
        return RequestRow(second, sli, "", PAGE_KIND, 0, 1, 0, 0, nothing, nothing, exceeded, {bad: 1})
    times = Distribution({bucket_index(round(took * 1e6)): 1}, 1, took, took)
    return RequestRow(second, sli, "", PAGE_KIND, 1, 0, 0, 0, times, times, exceeded)
