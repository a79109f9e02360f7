"""Real runs in which one thing was starved, kept small: who is named over real evidence changes only on purpose.

Recorded on the native stack (two cores) by ``make starve``'s cases; ``python -m tests.support.recording`` keeps one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

import pytest

from harness.analysis.bottleneck import find_bottleneck
from harness.model.bottleneck import Confidence
from tests.accuracy.bottleneck_named import bottleneck_real, evidence_of
from tests.accuracy.document import load
from tests.support.starving import CASES, Case

NAMED = [pytest.param(case, id=case.name) for case in CASES]
evidence = cache(evidence_of)


@pytest.mark.parametrize("case", NAMED)
def test_what_was_starved_is_named(case: Case) -> None:
    found = find_bottleneck(evidence(case.name))
    assert (found.confidence, found.resource) == (Confidence.NAMED, case.starved), found.chain
    assert found.breach is not None
    assert found.lead_seconds is not None
    assert found.lead_seconds > -5


@pytest.mark.parametrize("case", NAMED)
def test_whatever_evidence_is_missing_nothing_else_is_named(case: Case) -> None:
    """The samples go missing, not the trouble: no other resource may be blamed for it."""
    whole = evidence(case.name)
    for source in sorted({sample.source for sample in whole.servers}):
        blind = tuple(
            replace(sample, values={}, gap="taken away") if sample.source == source else sample
            for sample in whole.servers
        )
        found = find_bottleneck(replace(whole, servers=blind))
        assert found.resource in ("", case.starved), f"without {source}: {found.sentence}"


@pytest.mark.parametrize("case", NAMED)
def test_with_one_sample_in_ten_missing_it_is_still_named(case: Case) -> None:
    whole = evidence(case.name)
    random = Random(case.name)
    left = tuple(sample for sample in whole.servers if random.random() > 0.1)
    assert find_bottleneck(replace(whole, servers=left)).resource == case.starved


def test_the_published_table_is_todays() -> None:
    """docs/accuracy.json; ``make accuracy REAL=1 ONLY=bottleneck-real`` remakes it."""
    rows = load()["tables"]["bottleneck-real"]["rows"]
    assert [row["cells"] for row in rows] == [list(row.cells) for row in bottleneck_real().rows]
