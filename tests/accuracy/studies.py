"""All studies in simulated time, in the order of the page."""

from __future__ import annotations

from tests.accuracy import (
    bounds_hold,
    capacity_table,
    liars,
    percentiles_reported,
    same_verdict,
    stall,
    steady,
    wrong_verdicts,
)
from tests.accuracy.study import Study

STUDIES = (
    Study("verdicts", wrong_verdicts.run, 500),
    Study("bounds", bounds_hold.run, 1000),
    Study("capacity", capacity_table.run, 25),
    Study("stall", stall.run, 20),
    Study("percentiles", percentiles_reported.run, 30_000),
    Study("liars", liars.run, 3),
    Study("same-verdict", same_verdict.run, 2),
    Study("steadiness", steady.run, 1000),
)
REAL_NAMES = ("capacity-real", "stall-real", "healthy-real", "liars-real", "bottleneck-real")
"""Those in real time (``tests.accuracy.real``)."""
NAMES = (*(study.name for study in STUDIES), *REAL_NAMES)
