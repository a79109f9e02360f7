"""Is the bottleneck named? The recordings of real runs in which one thing was starved, through today's analysis."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.bottleneck import find_bottleneck
from harness.model.bottleneck import Bottleneck
from harness.model.evidence import Evidence
from tests.accuracy.study import Row, Table
from tests.support.recording import recorded
from tests.support.starving import CASES

RECORDINGS = Path(__file__).parents[1] / "golden" / "starved"


def evidence_of(name: str) -> Evidence:
    """The recording of the case of that name."""
    return recorded(RECORDINGS / f"{name}.tar.gz")


def bottleneck_real() -> Table:
    """Who is named in each recording. One case may be undetermined; none may name another resource."""
    found = {case.name: find_bottleneck(evidence_of(case.name)) for case in CASES}
    lines = [
        Row(
            (case.name, case.starved, one.resource or str(one.confidence), _onset(one), _lead(one), one.sentence),
            "named",
            one.resource == case.starved,
        )
        for case in CASES
        for one in (found[case.name],)
    ]
    return Table(
        "Is the bottleneck named?",
        "one thing was starved on the native stack, and everything else had room",
        ("case", "starved", "named", "onset", "lead", "what was said"),
        tuple(lines),
        ("PostgreSQL's connections run out in two ways; they are one of the eight. `make starve` makes new runs.",),
    )


def _onset(one: Bottleneck) -> str:
    return "–" if one.onset_seconds is None else f"{one.onset_seconds:.0f} s, {one.level}"


def _lead(one: Bottleneck) -> str:
    return "–" if one.lead_seconds is None else f"{round(one.lead_seconds)} s"
