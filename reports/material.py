"""What every section is made from: the evidence, the verdict, and what was computed from them once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.analysis.summary import EndpointSummary, Timeline, level_summary, timeline
from harness.model.evidence import Evidence
from harness.model.verdict import RunVerdict
from reports.charts import TimeAxis
from reports.frames import step_seconds, time_axis
from reports.happenings import Happening, happenings, marks


@dataclass(frozen=True, slots=True)
class Material:
    """The arguments of every section's ``build``. axis: the time axis that all charts share; None without any load.

    summaries: of every level, in the order of the ramp; levels without a measure phase have none.
    """

    evidence: Evidence
    verdict: RunVerdict
    axis: TimeAxis | None
    happenings: tuple[Happening, ...]
    timeline: Timeline
    summaries: tuple[EndpointSummary, ...]


def collect(evidence: Evidence, verdict: RunVerdict) -> Material:
    """Everything that more than one section needs."""
    happened = happenings(evidence)
    axis = time_axis(evidence)
    if axis is not None:
        axis = replace(axis, marks=marks(tuple(h for h in happened if h.seconds <= axis.end_seconds)))
    return Material(
        evidence=evidence,
        verdict=verdict,
        axis=axis,
        happenings=happened,
        timeline=timeline(evidence, 1 if axis is None else step_seconds(axis)),
        summaries=tuple(line for level in evidence.plan.levels for line in level_summary(evidence, level)),
    )
