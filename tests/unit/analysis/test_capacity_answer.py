"""The answer of a search, in each of its outcomes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness.analysis.capacity import answer, headroom_words, judge_trials, outcome_of, rate_words, results_of
from harness.analysis.trials import judge_trial
from harness.experiment.capacity import end_of
from harness.model.capacity import Bracket, SearchEnd, Trial, TrialPurpose
from harness.model.exploration import CapacityEvidence, CapacityVerdict
from harness.model.figure import Provenance
from harness.model.plan import LoadPlan
from harness.model.verdict import Outcome
from reports.capacity.files import capacity_junit, capacity_markdown
from reports.capacity.material import CapacityMaterial
from reports.capacity.write import capacity_report
from reports.html import render_html
from tests.support.evidence import make_evidence
from tests.support.searches import MadeUp, made_up_search, near

UNSOUND = (Outcome.INVALID, "Response time: the evidence is not sound: generator CPU")


def answered(found: CapacityEvidence) -> CapacityVerdict:
    judged = judge_trials(found)
    return answer(found, judged, end_of(found.search, results_of(found, judged), found.ended))


def test_a_search_that_ends_above_the_peak_passes_with_its_headroom() -> None:
    verdict = answered(made_up_search())
    assert verdict.outcome is Outcome.PASS
    assert near(verdict.bracket.lower_per_second, 302)
    assert verdict.bracket.upper_per_second is not None
    assert verdict.bracket.upper_per_second > 310
    assert verdict.headline.startswith("The reference application, sized as Lectio Space stage A, carries between ")
    assert "the planned peak is 80 requests/s: headroom +2" in verdict.headline
    assert "confirmed by 3 fresh trials" in verdict.more
    assert "breaks its SLOs: Response time" in verdict.more


def test_a_system_below_its_peak_fails() -> None:
    verdict = answered(made_up_search(MadeUp(capacity=42)))
    assert verdict.outcome is Outcome.FAIL
    assert "does not carry the planned peak of 80 requests/s; it carries between" in verdict.headline
    assert "headroom −" in verdict.headline


@pytest.mark.parametrize("capacity", [310, 42])
def test_an_assumed_peak_is_marked_wherever_it_appears(capacity: float) -> None:
    found = made_up_search(MadeUp(capacity=capacity))
    peak = replace(found.search.planned_peak, provenance=Provenance.ASSUMED)
    marked = replace(found, search=replace(found.search, planned_peak=peak))
    judged = judge_trials(marked)
    verdict = answered(marked)
    assert "80 requests/s (assumed)" in verdict.headline
    material = CapacityMaterial(marked, judged, verdict)
    texts = (capacity_markdown(material), capacity_junit(material).decode(), render_html(capacity_report(material)))
    for text in texts:
        assert re.search(r"planned peak (is |of )?80", text)
        assert re.findall(r"planned peak (?:is |of )?80(?: requests)?/s(?! \(assumed\))", text) == []


def test_overload_that_is_never_proven_is_said_and_proves_no_upper_end() -> None:
    verdict = answered(made_up_search(MadeUp(overload=Outcome.INCONCLUSIVE)))
    assert verdict.outcome is Outcome.PASS, "the peak is carried all the same"
    assert not verdict.bracket.proven
    assert "is not proven" in verdict.more
    assert any("no trial there was a proven FAIL" in line for line in verdict.not_proven)


def test_an_unproven_fail_at_the_peak_is_inconclusive() -> None:
    verdict = answered(made_up_search(MadeUp(capacity=42, overload=Outcome.INCONCLUSIVE)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline.startswith("It cannot be said whether")


def test_unsound_trials_alone_are_invalid() -> None:
    verdict = answered(made_up_search(MadeUp(strange=dict.fromkeys(range(1, 9), UNSOUND))))
    assert verdict.outcome is Outcome.INVALID
    assert len(verdict.results) == 2
    assert verdict.headline.startswith("This search proves nothing about the reference application")


def test_a_rate_that_stays_undecided_is_named() -> None:
    verdict = answered(made_up_search(MadeUp(doubt=0.08)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.bracket.undecided_per_second
    assert "could not be decided" in verdict.more


def test_ctrl_c_keeps_the_bracket_so_far() -> None:
    verdict = answered(made_up_search(ended="interrupted: Ctrl-C", trials=3))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert not verdict.end.complete
    assert "Ctrl-C" in verdict.headline
    assert "unconfirmed trials say at least 180 requests/s" in verdict.headline


def test_a_search_that_was_killed_says_so() -> None:
    verdict = answered(made_up_search(ended="", trials=2))
    assert "the harness was ended" in verdict.end.reason


def test_a_search_without_any_trial_knows_nothing() -> None:
    verdict = answered(made_up_search(ended="interrupted: Ctrl-C", trials=0))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline.endswith("the planned peak of 80 requests/s: Ctrl-C.")


@pytest.mark.parametrize(
    ("bracket", "outcome"),
    [
        (Bracket(80.0, 84.0, True, True), Outcome.PASS),
        (Bracket(80.0, 84.0, False, True), Outcome.INCONCLUSIVE),
        (Bracket(79.0, 82.0, True, True), Outcome.INCONCLUSIVE),
        (Bracket(76.0, 80.0, True, True), Outcome.FAIL),
        (Bracket(76.0, 80.0, True, False), Outcome.INCONCLUSIVE),
        (Bracket(None, 60.0, False, True), Outcome.FAIL),
        (Bracket(300.0, None, True, False), Outcome.PASS),
        (Bracket(None, None, False, False), Outcome.INCONCLUSIVE),
    ],
)
def test_the_outcome_is_about_the_planned_peak(bracket: Bracket, outcome: Outcome) -> None:
    assert outcome_of(SearchEnd(bracket, True, "over"), (), 80.0) is outcome


@pytest.mark.parametrize(
    ("bracket", "words"),
    [
        (Bracket(312.0, 330.0, True, True), "+290 %"),
        (Bracket(40.0, 42.0, True, True), "−50 %"),
        (Bracket(None, 40.0, False, True), "less than −50 %"),
        (Bracket(None, None, False, False), "not known"),
    ],
)
def test_headroom_is_that_of_the_lower_end(bracket: Bracket, words: str) -> None:
    assert headroom_words(bracket, 80.0) == words


@pytest.mark.parametrize(("rate", "words"), [(312.4, "312/s"), (42.46, "42.5/s"), (2.504, "2.5/s")])
def test_a_rate_has_three_digits(rate: float, words: str) -> None:
    assert rate_words(rate) == words


# One trial, from its evidence --------------------------------------------------------------------------------------


def only_peak(plan: LoadPlan) -> LoadPlan:
    return replace(plan, levels=tuple(level for level in plan.levels if level.name == "peak"))


def trial_of(**knobs: object):
    evidence = make_evidence(**knobs)
    slos = tuple(replace(slo, levels=("peak",)) for slo in evidence.subject.stage.slos if "peak" in slo.levels)
    stage = replace(evidence.subject.stage, slos=slos)
    evidence = replace(evidence, plan=only_peak(evidence.plan), subject=replace(evidence.subject, stage=stage))
    trial = Trial(4, TrialPurpose.BISECT, 80.0, 30.0)
    return judge_trial(evidence, trial, took_seconds=52.0, drained=True, folder="trials/04")


def test_a_trial_s_line_holds_the_figures_of_its_curve() -> None:
    result = trial_of().result
    assert (result.outcome, result.deciding) == (Outcome.PASS, "")
    assert result.offered_per_second == pytest.approx(80, rel=0.02)
    assert result.throughput_per_second == pytest.approx(80, rel=0.02)
    assert set(result.quantiles_seconds) == {"0.5", "0.95", "0.99"}
    # Little: requests in flight are their rate × their mean time.
    assert result.concurrency / result.throughput_per_second == pytest.approx(result.quantiles_seconds["0.5"], rel=0.5)
    assert (result.bad, result.n) == (0, pytest.approx(2400, rel=0.02))


def test_the_cell_that_decided_is_named() -> None:
    result = trial_of(slow={"peak": 0.5}, slow_seconds=2.4).result
    assert (result.outcome, result.deciding) == (Outcome.FAIL, "response-time")
    assert result.reason.startswith("Response time: ")
    assert result.bad > result.n / 3


def test_unsound_evidence_is_no_information() -> None:
    assert trial_of(generator_cpu={"peak": 0.97}).result.outcome is Outcome.INVALID


def test_a_trial_that_was_cut_short_is_no_information() -> None:
    result = trial_of(stop_at=70.0, stop_reason="interrupted: Ctrl-C").result
    assert result.outcome is Outcome.INVALID
    assert result.reason.startswith("cut short: ")


def test_a_warning_is_passed_on() -> None:
    trial = trial_of(connections={"peak": 0.46})
    assert trial.result.outcome is Outcome.PASS
    assert "warning broken: PostgreSQL connections" in trial.result.reason
    assert trial.warnings
