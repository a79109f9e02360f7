"""The first contentful paint of a page, as a browser saw it beside the load."""

from __future__ import annotations

from harness.analysis.histogram import bucket_index
from harness.analysis.observations import Observation, Times, Unobserved
from harness.analysis.phases import batch_ranges, load_second, measured, seconds_of
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.rule import TimedRule
from harness.model.samples import Distribution, PageView, RequestRow

PAINT_SLI = "first_contentful_paint_seconds"
PAGE_KIND = "page"


def first_contentful_paint_seconds(evidence: Evidence, level: Level) -> Observation:
    """Times from the start of the navigation to the first contentful paint. A page that painted nothing in time, or
    answered with an error, is bad; one that the browser could not open may have been either."""
    seconds = seconds_of(measured(level))
    seen, missed, reason = [], 0, ""
    for page in evidence.pages:
        second = load_second(evidence, page.monotonic_seconds)
        reason = page.reason if not page.opened else reason
        if second is None or not seconds.start <= second < seconds.stop:
            continue
        if page.opened:
            seen.append(_row(evidence, page, int(second)))
        else:
            missed += 1
    if not seen:
        return Unobserved(f"no browser saw the page{f': {reason}' if reason else ''}")
    ranges = batch_ranges(seconds, evidence.plan.batch_seconds)
    batches = tuple(tuple(row for row in seen if row.second in batch) for batch in ranges)
    return Times(batches, tuple(0 for _ in batches), "page views", missed, evidence.plan.batch_seconds)


def _row(evidence: Evidence, page: PageView, second: int) -> RequestRow:
    """One view, held exactly against each of the stage's bounds."""
    paint = page.paint_seconds
    stage = evidence.subject.stage
    bounds = [bound for slo in stage.slos if slo.sli == PAINT_SLI for bound in (slo.warning, slo.critical)]
    bounds += [rule.threshold for rule in stage.rules if isinstance(rule, TimedRule) and rule.sli == PAINT_SLI]
    exceeded = {bound.value: int(paint is None or paint > bound.value) for bound in bounds if bound is not None}
    if paint is None:
        nothing = Distribution({}, 0, 0.0, 0.0)
        kinds = {page.reason: 1}
        return RequestRow(second, PAINT_SLI, "", PAGE_KIND, 0, 1, 0, 0, nothing, nothing, exceeded, kinds)
    times = Distribution({bucket_index(round(paint * 1e6)): 1}, 1, paint, paint)
    return RequestRow(second, PAINT_SLI, "", PAGE_KIND, 1, 0, 0, 0, times, times, exceeded)
