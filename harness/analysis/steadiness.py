"""Whether a level was in a steady state: methodology §3, by profile."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harness.analysis import histogram
from harness.analysis.exceedances import exceeded
from harness.analysis.phases import HTTP_KINDS, batch_ranges, measured, rows, seconds_of, spoken_for
from harness.analysis.steady_state import backlog_grows, drifts, halves_agree, mser, shifts
from harness.analysis.survival import RESPONSE_SLI
from harness.analysis.workers import held_together
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import RequestRow

SHORT_PROFILE = "smoke"
PARTLY_TESTED = "short run, steadiness partly tested"
REQUEST_GROWTH = 0.01
"""Requests in flight may grow by this share of what was offered: the 0.99 of completed ÷ offered, seen from below."""
QUEUE_GROWTH = 5.0
"""So many clients or tasks more in a queue are material: the few marked uploads of a level are not."""
MATERIAL_SHIFT = 0.05
"""Of the bound: response times that move by less between the parts of a level could not change its verdict (ADR 5)."""
MATERIAL_DIFFERENCE = 0.2
"""Of the allowed share: likewise of the bad shares of its halves."""
USUAL_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What the tests say. growing: a backlog grows, so that the level can only get worse; unsteady: what else speaks
    against a steady state. Empty texts: nothing. partly: only the backlog was tested."""

    growing: str
    unsteady: str
    partly: bool


def steadiness(evidence: Evidence, level: Level) -> Steadiness:
    """Test (c) in the smoke profile, else MSER-5 and (a) to (d)."""
    growing = ", ".join(_growing(evidence, level))
    if evidence.plan.profile == SHORT_PROFILE:
        return Steadiness(growing, "", True)
    return Steadiness(growing, "; ".join(_unsteady(evidence, level)), False)


def _growing(evidence: Evidence, level: Level) -> Iterable[str]:
    seconds = seconds_of(measured(level))
    in_flight = held_together(evidence, lambda health: health.requests_in_flight + health.waiting, shift_seconds=0.5)
    material = max(1.0, REQUEST_GROWTH * level.rate.value * len(seconds))  # less than one request is no backlog
    if backlog_grows(_means(evidence, seconds, in_flight), material):
        yield "requests in flight"
    queues: dict[str, dict[int, float]] = defaultdict(dict)
    for sample in evidence.servers:
        for key, value in sample.values.items():
            if (sample.source == "celery" and key.startswith("depth.")) or (
                sample.source == "pgbouncer" and key == "client_waiting"
            ):
                queues[f"{sample.source} {key}"].update(dict.fromkeys(spoken_for(evidence, sample), value))
    for name, values in sorted(queues.items()):
        if backlog_grows(_means(evidence, seconds, values), QUEUE_GROWTH):
            yield name


def _means(evidence: Evidence, seconds: range, values: dict[int, float]) -> list[float]:
    means = []
    for batch in batch_ranges(seconds, evidence.plan.batch_seconds):
        inside = [values[second] for second in batch if second in values]
        if inside:
            means.append(sum(inside) / len(inside))
    return means


def _unsteady(evidence: Evidence, level: Level) -> Iterable[str]:
    seconds = seconds_of(measured(level))
    groups: dict[int, list[RequestRow]] = defaultdict(list)
    for row in rows(evidence, seconds, kinds=HTTP_KINDS, probes=False):
        groups[row.second].append(row)
    means = {
        second: histogram.mean_seconds(histogram.merge(row.response for row in groups[second]))
        for second in sorted(groups)
    }
    known = {second: mean for second, mean in means.items() if mean is not None and mean > 0}
    if len(known) < 20:
        yield f"only {len(known)} seconds with responses"
        return
    bound, allowed = _limits(evidence, level)
    truncation = mser([math.log(mean) for mean in known.values()])
    late = not truncation.steady and shifts(list(known.values()), truncation.unrestricted, MATERIAL_SHIFT * bound)
    if late:
        yield "the warm-up reaches into the second half (MSER-5)"
    # A cut that marks no other level is a disturbance, which is part of what is judged.
    kept = range(sorted(known)[truncation.drop if late or truncation.steady else 0], seconds.stop)
    if drifts(_means(evidence, kept, known), MATERIAL_SHIFT * bound):
        yield "response times drift"
    batches = []
    for batch in batch_ranges(kept, evidence.plan.batch_seconds):
        inside = [row for second in batch for row in groups.get(second, ())]
        batches.append((sum(exceeded(row, bound)[1] for row in inside), sum(row.offered for row in inside)))
    if not halves_agree(batches, material_difference=MATERIAL_DIFFERENCE * allowed):
        yield "its two halves disagree"


def _limits(evidence: Evidence, level: Level) -> tuple[float, float]:
    """The smallest bound on response times at this level, else the smallest that was counted; and the share that may be
    over it."""
    for slo in evidence.subject.stage.slos:
        if slo.sli == RESPONSE_SLI and level.name.value in slo.levels:
            bound = min(figure.value for figure in (slo.warning, slo.critical) if figure is not None)
            return bound, 1 - (slo.quantile or USUAL_QUANTILE)
    return min(evidence.plan.thresholds_seconds, default=1.0), 1 - USUAL_QUANTILE
