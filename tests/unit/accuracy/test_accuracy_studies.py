"""The studies of docs/accuracy.md, made smaller: they would find a judge that had become wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest

from harness.analysis import intervals, proportions
from harness.analysis.judge import judge
from harness.model.verdict import Outcome
from tests.accuracy import (
    bounds_hold,
    liars,
    percentiles_reported,
    same_verdict,
    stall,
    steady,
    wrong_verdicts,
)
from tests.accuracy.study import Table
from tests.accuracy.systems import Shape
from tests.support.evidence import make_evidence

SMOKE = (Shape("smoke", 0.5, 0.5),)


def missed(table: Table) -> Sequence[tuple[str, ...]]:
    return [row.cells for row in table.rows if row.reached is False]


def test_bounds_hold_in_short_runs_of_bursts() -> None:
    """At least 93 % of 1,000 runs in full; of 250, chance alone takes some away."""
    found = bounds_hold.run(250, (*SMOKE, Shape("standard", 0.5, 0.1)))
    assert min(found.figures.values()) >= 0.90


def test_plain_korn_graubard_would_not_hold() -> None:
    def plain(batches, alpha=intervals.ALPHA, batch_seconds=0.0):  # type: ignore[no-untyped-def]
        return intervals.korn_graubard(batches, alpha)

    with patch.object(proportions, "cautious_share", plain):
        assert min(bounds_hold.run(250, SMOKE).figures.values()) < 0.88


def test_verdicts_10_percent_either_side_of_the_bound_are_rarely_wrong() -> None:
    """At most 5 % of 500 runs in full; of 60, chance alone adds some."""
    found = wrong_verdicts.run(60).figures
    assert max(share for name, share in found.items() if "φ 0.9" not in name) <= 0.1
    assert sum(found.values()) / len(found) <= 0.03


def test_a_reported_percentile_is_near() -> None:
    assert not missed(percentiles_reported.run(100))


def test_a_stall_is_seen_in_full() -> None:
    assert not missed(stall.run(1, stall.STALLS[1:]))


def test_levels_are_rightly_called_steady_or_not() -> None:
    assert not missed(steady.run(15, tuple(case for case in steady.CASES if case.phi == 0.5)))


@pytest.mark.parametrize("liar", liars.LIARS, ids=lambda liar: liar.name)
def test_a_liar_is_invalid(liar: liars.Liar) -> None:
    assert judge(liar.make(3, "peak")).outcome is Outcome.INVALID


def test_healthy_runs_are_not() -> None:
    assert not [each for each in liars.healthy(4) if judge(each).outcome is Outcome.INVALID]


@pytest.mark.parametrize("case", same_verdict.CASES[:6], ids=str)
def test_neither_order_nor_workers_change_a_verdict(case: dict[str, object]) -> None:
    evidence = make_evidence(seed=11, **case)
    expected = same_verdict.cells(evidence)
    assert same_verdict.cells(same_verdict.shuffled(evidence, 5)) == expected
    assert same_verdict.cells(same_verdict.split(evidence, 5)) == expected


def test_a_difference_would_be_seen() -> None:
    evidence = make_evidence(seed=11)
    fewer = replace(evidence, requests=evidence.requests[:-400])
    assert same_verdict.cells(fewer) != same_verdict.cells(evidence)
    worse = make_evidence(seed=11, slow={"peak": 0.2}, slow_seconds=3.0)
    assert same_verdict.cells(worse)[0] != same_verdict.cells(evidence)[0]


def test_a_second_report_is_the_same() -> None:
    first, again = same_verdict.reports(make_evidence(seed=11, errors={"peak": 0.03}))
    assert first == again
