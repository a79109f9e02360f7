"""Real runs in which one thing was starved, kept small: who is named over real evidence changes only on purpose.

Recorded on the native stack (two cores) by ``make starve``'s cases; ``python -m tests.support.recording`` keeps one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from harness.analysis.bottleneck import find_bottleneck
from harness.model.bottleneck import Bottleneck, Confidence
from harness.model.evidence import Evidence
from tests.support.recording import recorded
from tests.support.starving import CASES, Case

HERE = Path(__file__).parent / "starved"  # "bottleneck" would shadow a library that pandas looks for
NAMED = [pytest.param(case, id=case.name) for case in CASES]


@cache
def evidence_of(name: str) -> Evidence:
    return recorded(HERE / f"{name}.tar.gz")


@pytest.mark.parametrize("case", NAMED)
def test_what_was_starved_is_named(case: Case) -> None:
    found = find_bottleneck(evidence_of(case.name))
    assert (found.confidence, found.resource) == (Confidence.NAMED, case.starved), found.chain
    assert found.breach is not None
    assert found.lead_seconds is not None
    assert found.lead_seconds > -5


@pytest.mark.parametrize("case", NAMED)
def test_whatever_evidence_is_missing_nothing_else_is_named(case: Case) -> None:
    """The samples go missing, not the trouble: no other resource may be blamed for it."""
    evidence = evidence_of(case.name)
    for source in sorted({sample.source for sample in evidence.servers}):
        blind = tuple(
            replace(sample, values={}, gap="taken away") if sample.source == source else sample
            for sample in evidence.servers
        )
        found = find_bottleneck(replace(evidence, servers=blind))
        assert found.resource in ("", case.starved), f"without {source}: {found.sentence}"


@pytest.mark.parametrize("case", NAMED)
def test_with_one_sample_in_ten_missing_it_is_still_named(case: Case) -> None:
    evidence = evidence_of(case.name)
    random = Random(case.name)
    left = tuple(sample for sample in evidence.servers if random.random() > 0.1)
    assert find_bottleneck(replace(evidence, servers=left)).resource == case.starved


def test_the_table_of_cases(update_golden: bool) -> None:
    table = _table({case.name: find_bottleneck(evidence_of(case.name)) for case in CASES})
    if update_golden:
        (HERE / "table.md").write_text(table)
    assert table == (HERE / "table.md").read_text()


def _table(found: dict[str, Bottleneck]) -> str:
    lines = ["| case | starved | named | onset | lead | what was said |", "|--|--|--|--|--|--|"]
    for case in CASES:
        one = found[case.name]
        onset = "–" if one.onset_seconds is None else f"{one.onset_seconds:.0f} s, {one.level}"
        lead = "–" if one.lead_seconds is None else f"{round(one.lead_seconds)} s"
        lines.append(
            f"| {case.name} | {case.starved} | {one.resource or one.confidence} | {onset} | {lead} | {one.sentence} |"
        )
    return "\n".join(lines) + "\n"
