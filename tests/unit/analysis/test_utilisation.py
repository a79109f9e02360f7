"""Utilisation targets and uptimes, on whole runs."""

from __future__ import annotations

import pytest

from harness.analysis.judge import judge
from harness.analysis.utilisation import BESIDE, INSIDE, NOT_SUPPORTED, OVER, SUPPORTED, TOO_FEW, UNDECIDED, UNDER
from harness.model.verdict import Outcome, Severity
from tests.support.evidence import make_evidence
from tests.support.rules import band, uptime, with_rules, with_series

CPU = 0.41
"""At the peak of the made-up run, ± 1 %."""


def judged(evidence, rule):
    verdict = judge(with_rules(evidence, rule))
    found = verdict.rule(rule.id, "peak")
    assert found is not None
    return verdict, found


@pytest.mark.parametrize(
    ("rule", "state", "severity"),
    [
        (band(0.35, 0.5), INSIDE, Severity.NONE),
        (band(0.5, 0.7), OVER, Severity.NONE),
        (band(0.5, 0.7, below=0.3), BESIDE, Severity.NONE),
        (band(0.2, 0.3), UNDER, Severity.WARNING),
        (band(0.2, 0.3, above=0.6), BESIDE, Severity.NONE),
    ],
)
def test_a_band_informs(rule, state, severity):
    verdict, found = judged(make_evidence(), rule)
    assert (found.state, found.severity, found.outcome, found.counts) == (state, severity, Outcome.PASS, False)
    assert verdict.outcome is Outcome.PASS
    assert "mean 41" in found.reason


def test_a_mean_on_an_edge_is_undecided_and_turns_nothing():
    verdict, found = judged(with_series(make_evidence(), [0.45, 0.55, 0.5]), band(0.5, 0.7))
    assert (found.state, found.outcome) == (UNDECIDED, Outcome.INCONCLUSIVE)
    assert verdict.outcome is Outcome.PASS


def test_a_band_without_samples_is_not_inside():
    _, found = judged(make_evidence(silent=("stack",)), band(0.2, 0.9))
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_band_with_gaps_is_not_inside():
    _, found = judged(with_series(make_evidence(), [CPU, None, CPU]), band(0.2, 0.9))
    assert found.outcome is Outcome.INCONCLUSIVE


def test_an_uptime_that_the_sample_supports():
    verdict, found = judged(make_evidence(), uptime(0.998))
    assert (found.state, found.outcome, found.counts) == (SUPPORTED, Outcome.PASS, True)
    assert "2,400 of 2,400 requests good" in found.reason
    assert "supports “at least 99.87 % are answered” (95 % sure), 99.8 % promised" in found.reason
    assert "no run contains" in found.reason
    assert verdict.outcome is Outcome.PASS


def test_an_uptime_that_the_sample_is_too_small_for_says_what_it_takes():
    verdict, found = judged(make_evidence(), uptime(0.999))
    assert (found.state, found.outcome, found.counts) == (TOO_FEW, Outcome.INCONCLUSIVE, False)
    assert "99.9 % takes 2,995 requests if the share stays as it is, 37.4 s at this rate" in found.reason
    assert found.needed_seconds == pytest.approx(30 * 2995 / 2400)
    assert verdict.outcome is Outcome.PASS
    assert any("Uptime ≥ 99.9 %" in line for line in verdict.not_proven)


def test_an_uptime_that_is_broken_fails_the_run_even_if_the_sample_could_not_have_shown_it():
    verdict, found = judged(make_evidence(errors={"peak": 0.05}), uptime(0.9999))
    assert (found.state, found.outcome, found.severity, found.counts) == (
        NOT_SUPPORTED,
        Outcome.FAIL,
        Severity.CRITICAL,
        True,
    )
    assert verdict.outcome is Outcome.FAIL


def test_an_undecided_uptime_counts_when_the_sample_is_large_enough():
    verdict, found = judged(make_evidence(errors={"peak": 0.003}), uptime(0.997))
    assert (found.state, found.outcome, found.counts) == (UNDECIDED, Outcome.INCONCLUSIVE, True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
