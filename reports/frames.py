"""Samples as series over the load's time, with pandas.

pandas skips missing numbers in silence, so a gap is carried beside the numbers: a broken line and a ``Gap``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from harness.model.evidence import Evidence
from harness.model.plan import Level, PhaseName
from harness.model.samples import ServerSample
from harness.model.units import format_quantity
from reports.charts import Band, Gap, Point, TimeAxis

MOST_POINTS = 600
"""To a line: a chart is about 750 units wide."""
LEAST_SILENCE_SECONDS = 3.0
"""Between two samples at 1 Hz; more is a gap, even when nobody wrote a gap row."""


def time_axis(evidence: Evidence) -> TimeAxis | None:
    """From the start of the load to the last thing seen, at most to the end of the plan. None when it never began."""
    start = evidence.load_start_seconds
    if start is None:
        return None
    seen = [row.second + 1.0 for row in evidence.requests]
    seen += [sample.monotonic_seconds - start for sample in evidence.servers]
    seen += [sample.monotonic_seconds - start for sample in evidence.generator]
    end = min(max(seen, default=0.0), evidence.plan.duration_seconds)
    return TimeAxis(0.0, max(end, 5.0), tuple(_band(level) for level in evidence.plan.levels))


def _band(level: Level) -> Band:
    measure = next((phase for phase in level.phases if phase.name is PhaseName.MEASURE), None)
    return Band(
        label=f"{level.name} {format_quantity(level.rate.value, level.rate.unit)}",
        start_seconds=level.start_seconds,
        end_seconds=level.end_seconds,
        measure=None if measure is None else (measure.start_seconds, measure.end_seconds),
    )


def step_seconds(axis: TimeAxis) -> int:
    """The width of a point: a second, or more on a long run."""
    return max(1, math.ceil((axis.end_seconds - axis.start_seconds) / MOST_POINTS))


def server_series(evidence: Evidence, axis: TimeAxis, source: str, key: str) -> tuple[Point, ...]:
    """One metric of one sampler; None where it saw nothing.

    A sample that carries other metrics only is no gap: some are looked at less often than once a second.
    """
    start = evidence.load_start_seconds or 0.0
    samples = [s for s in evidence.servers if s.source == source and (s.gap or key in s.values)]
    frame = pd.DataFrame(
        {
            "at": [sample.monotonic_seconds - start for sample in samples],
            "value": [sample.values.get(key, math.nan) for sample in samples],
        },
        dtype="float64",
    )
    frame = frame[(frame["at"] >= axis.start_seconds) & (frame["at"] <= axis.end_seconds)].sort_values("at")
    step = step_seconds(axis)
    if step > 1:
        frame = frame.groupby(frame["at"] // step).mean()
    silence = longest_silence_seconds(frame["at"].tolist())
    points: list[Point] = []
    for at, value in zip(frame["at"], frame["value"], strict=True):
        if points and at - points[-1][0] > silence:
            points.append(((at + points[-1][0]) / 2, None))
        points.append((float(at), None if math.isnan(value) else float(value)))
    return tuple(points)


def longest_silence_seconds(times: Sequence[float]) -> float:
    """How far apart two samples may lie before it is a gap: three times the sampler's own usual distance."""
    usual = pd.Series(times, dtype="float64").diff().median()
    return LEAST_SILENCE_SECONDS if math.isnan(usual) else max(LEAST_SILENCE_SECONDS, 3.0 * float(usual))


def gaps(evidence: Evidence, axis: TimeAxis, source: str) -> tuple[Gap, ...]:
    """When the sampler saw nothing: its gap rows, and silences. A sampler without any row is one whole gap."""
    start = evidence.load_start_seconds or 0.0
    samples = sorted((s for s in evidence.servers if s.source == source), key=lambda s: s.monotonic_seconds)
    seen = [(s.monotonic_seconds - start, s) for s in samples]
    silence = longest_silence_seconds([at for at, _ in seen])
    seen = [(at, s) for at, s in seen if axis.start_seconds - silence <= at <= axis.end_seconds]
    found: list[Gap] = []
    previous = axis.start_seconds
    for at, sample in seen:
        if at - previous > silence:
            found.append(Gap(previous, at, "the sampler was silent"))
        elif sample.gap and at > previous:
            found.append(Gap(previous, at, sample.gap))
        previous = max(at, axis.start_seconds)
    if axis.end_seconds - previous > silence:
        found.append(Gap(previous, axis.end_seconds, "the sampler was silent"))
    return merge_gaps(found)


def merge_gaps(found: Sequence[Gap]) -> tuple[Gap, ...]:
    """Gaps that touch become one, under the first one's reason."""
    merged: list[Gap] = []
    for gap in found:
        if merged and gap.start_seconds <= merged[-1].end_seconds + 1e-9:
            merged[-1] = Gap(merged[-1].start_seconds, gap.end_seconds, merged[-1].reason)
        else:
            merged.append(gap)
    return tuple(merged)


def sampling_cost(samples: Sequence[ServerSample], seconds: float) -> tuple[tuple[str, int, float], ...]:
    """For each sampler: its name, its samples, and its CPU time as a share of one core over ``seconds``."""
    if not samples or seconds <= 0:
        return ()
    frame = pd.DataFrame({"source": [s.source for s in samples], "cost": [s.cost_seconds for s in samples]})
    grouped = frame.groupby("source")["cost"].agg(["count", "sum"])
    return tuple((str(name), int(row["count"]), float(row["sum"]) / seconds) for name, row in grouped.iterrows())
