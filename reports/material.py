"""What every section is made from: the evidence, the verdict, and what was computed from them once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model.evidence import Evidence
from harness.model.verdict import RunVerdict
from reports.charts import TimeAxis
from reports.frames import time_axis
from reports.happenings import Happening, happenings, marks


@dataclass(frozen=True, slots=True)
class Material:
    """The arguments of every section's ``build``. axis: the time axis that all charts share; None without any load."""

    evidence: Evidence
    verdict: RunVerdict
    axis: TimeAxis | None
    happenings: tuple[Happening, ...]


def collect(evidence: Evidence, verdict: RunVerdict) -> Material:
    """Everything that more than one section needs."""
    happened = happenings(evidence)
    axis = time_axis(evidence)
    if axis is not None:
        axis = replace(axis, marks=marks(tuple(h for h in happened if h.seconds <= axis.end_seconds)))
    return Material(evidence, verdict, axis, happened)
