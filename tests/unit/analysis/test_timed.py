"""Rules with a duration, on whole runs: vector T20 and what a run that is too short says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.judge import judge
from harness.analysis.timed import FIRED, PENDING, QUIET, UNCOMPLETED, UNSEEN
from harness.model.rule import Fires, Purpose, windowing
from harness.model.units import Unit
from harness.model.verdict import Outcome, RuleVerdict, Severity
from tests.support.evidence import make_evidence
from tests.support.rules import long_run, slow, timed, with_rules, with_series, with_slow

HOT, COOL = 0.8, 0.5
WINDOWS = 36
"""Of 10 s, in six minutes."""


def judged(evidence, rule, level="peak") -> RuleVerdict:
    found = judge(with_rules(evidence, rule)).rule(rule.id, level)
    assert found is not None
    return found


def on_cpu(values, rule=None) -> RuleVerdict:
    return judged(with_series(long_run(360), values), rule or timed())


def padded(values):
    return values + [COOL] * (WINDOWS - len(values))


def test_t20_eighteen_hot_windows_fire_at_the_eighteenth():
    found = on_cpu(padded([HOT] * 18))
    assert (found.state, found.fired_after_seconds) == (FIRED, 180)
    assert (found.outcome, found.severity, found.counts) == (Outcome.PASS, Severity.WARNING, True)
    assert "the plan would add capacity" in found.reason


def test_t20_a_good_window_resets():
    found = on_cpu(padded([HOT] * 17 + [COOL] + [HOT] * 17))
    assert (found.state, found.outcome, found.fired_after_seconds) == (QUIET, Outcome.PASS, None)
    assert "it held for 2:50 min in a row (highest 80 %)" in found.reason


@pytest.mark.parametrize(
    ("states", "state"),
    [([True] * 18 + [False] * 18, FIRED), ([True] * 17 + [False] + [True] * 17 + [False], QUIET)],
)
def test_t20_on_response_times(states, state):
    found = judged(with_slow(long_run(360), states), slow())
    assert found.state == state


def test_a_critical_rule_that_fires_fails_the_run_as_a_fact():
    rule = timed(severity=Severity.CRITICAL)
    verdict = judge(with_rules(with_series(long_run(360), padded([HOT] * 18)), rule))
    found = verdict.rule("cpu", "peak")
    assert found is not None and (found.outcome, found.proven) == (Outcome.FAIL, True)
    assert verdict.outcome is Outcome.FAIL
    assert "CPU > 70 % for 3 min at peak: fired" in verdict.headline


def test_a_rule_that_fires_as_a_warning_leaves_a_pass_with_a_warning():
    verdict = judge(with_rules(with_series(long_run(360), padded([HOT] * 18)), timed()))
    assert (verdict.outcome, verdict.severity) == (Outcome.PASS, Severity.WARNING)
    assert "Warning: CPU > 70 % for 3 min at peak: fired" in verdict.headline


def test_exactly_the_threshold_does_not_fire():
    assert on_cpu([0.7] * WINDOWS).state == QUIET
    assert on_cpu([0.7001] * WINDOWS).state == FIRED


def test_scaling_down_informs_and_never_counts():
    rule = timed(0.3, fires=Fires.BELOW, purpose=Purpose.SCALE_DOWN)
    found = on_cpu([0.1] * WINDOWS, rule)
    assert (found.state, found.outcome, found.severity, found.counts) == (FIRED, Outcome.PASS, Severity.NONE, False)
    assert "over-provisioned" in found.reason
    assert on_cpu([0.5] * WINDOWS, rule).state == QUIET


def test_an_unknown_window_neither_resets_nor_advances():
    found = on_cpu(padded([HOT] * 9 + [None] + [HOT] * 9))
    assert (found.state, found.fired_after_seconds) == (FIRED, 190)


def test_too_much_unknown_is_inconclusive_and_counts():
    found = on_cpu([None] * 10 + [COOL] * 26)
    assert (found.state, found.outcome, found.counts) == (UNSEEN, Outcome.INCONCLUSIVE, True)
    assert "20 % may be" in found.reason


def test_a_series_that_nobody_sampled_is_no_pass():
    found = judged(make_evidence(silent=("stack",)), timed(seconds=10))
    assert (found.outcome, found.state, found.counts) == (Outcome.INCONCLUSIVE, UNSEEN, True)


def test_windows_without_requests_are_unknown_and_not_good():
    found = judged(with_slow(long_run(360), [None] * 10 + [False] * 26), slow())
    assert (found.state, found.outcome) == (UNSEEN, Outcome.INVALID)  # the generator's own count says that some came
    assert "the numbers alone say nothing: in 28 % of the windows too little was seen" in found.reason


def test_a_row_that_the_phase_cut_off_is_inconclusive():
    found = on_cpu([COOL] * 19 + [HOT] * 17)
    assert (found.state, found.outcome, found.counts) == (PENDING, Outcome.INCONCLUSIVE, True)
    assert (
        "it held for the last 2:50 min when the measure phase ended (highest 80 %); the rule takes 3 min"
        in found.reason
    )
    assert on_cpu([COOL] * 28 + [HOT] * 8).state == QUIET


@pytest.mark.parametrize("threshold", [0.3, 0.9])
def test_a_run_that_is_too_short_says_how_long_it_takes_and_turns_no_outcome(threshold):
    verdict = judge(with_rules(make_evidence(), timed(threshold, 300)))
    found = verdict.rule("cpu", "peak")
    assert found is not None
    assert (found.outcome, found.state, found.counts) == (Outcome.INCONCLUSIVE, UNCOMPLETED, False)
    assert found.needed_seconds == 300
    assert "the rule takes 5 min at one level and 30 s were measured" in found.reason
    assert "a run of 21 min (5 min measured at each level) completes it" in found.reason
    assert verdict.outcome is Outcome.PASS
    assert any(line.startswith("rule CPU") and "5 min" in line for line in verdict.not_proven)
    assert verdict.headline.endswith("Not tested: 1 rule of the plan that would take a longer run.")


def test_a_rule_that_is_too_long_and_not_seen_says_both():
    found = judged(make_evidence(silent=("stack",)), timed(seconds=300))
    assert (found.outcome, found.state, found.counts) == (Outcome.INCONCLUSIVE, UNCOMPLETED, False)
    assert "too little was seen to say whether it held, but the rule takes 5 min" in found.reason


def test_a_stage_with_few_requests_is_judged_in_wider_windows():
    evidence = long_run(360)
    some = (row for row in evidence.requests if row.endpoint == "POST /api/lessons" and row.second % 2 == 0)
    found = judged(with_slow(replace(evidence, requests=tuple(some)), [True] * WINDOWS), slow(180))
    assert found.state == FIRED and found.measurement is not None
    assert found.measurement.method == "highest of the windows of 17 s"  # at 1.8/s: 30 requests


def test_a_rule_without_a_duration_fires_at_the_first_window():
    found = judged(with_series(make_evidence(), [COOL, HOT, COOL]), timed(seconds=0))
    assert (found.state, found.fired_after_seconds, found.condition) == (FIRED, 20, "> 70 %")


def test_a_second_condition_must_hold_in_the_same_windows():
    rule = timed(0.8, 20, sli="redis_memory_ratio", only_with="redis_evictions_per_second", name="redis")
    full = with_series(long_run(360), [0.9] * WINDOWS, "redis", "memory_ratio")
    assert judged(with_series(full, [0.0] * WINDOWS, "redis", "evictions_per_second"), rule).state == QUIET
    assert judged(with_series(full, [0.0, 3.0, 3.0], "redis", "evictions_per_second"), rule).state == FIRED
    assert judged(full, rule).outcome is Outcome.INCONCLUSIVE  # nobody counted evictions


def test_an_error_rate_is_a_share_of_each_window():
    rule = timed(0.01, 120, sli="request_error_ratio", name="errors")
    assert judged(make_evidence(errors={"peak": 0.05}), timed(0.01, 20, sli="request_error_ratio")).state == FIRED
    assert judged(long_run(360), rule).state == QUIET


def test_unsound_evidence_makes_a_completed_rule_invalid():
    evidence = make_evidence(gaps={"stack": 0.0}, generator_cpu={"peak": 0.97})
    rule = timed(2.0, 10, sli="http_response_seconds", unit=Unit.SECONDS, quantile=0.95, name="slow")
    found = judged(evidence, rule)
    assert found.outcome is Outcome.INVALID and found.tainted_by


def test_a_rule_at_a_level_that_was_never_reached():
    verdict = judge(with_rules(make_evidence(stop_at=20.0, stop_reason="interrupted: Ctrl-C"), timed(seconds=10)))
    found = verdict.rule("cpu", "peak")
    assert found is not None and found.outcome is Outcome.INCONCLUSIVE
    assert "never reached" in found.reason


@pytest.mark.parametrize(
    ("duration", "rate", "window", "consecutive"),
    [
        (180, None, 10, 18),
        (180, 100.0, 10, 18),
        (180, 3.0, 10, 18),
        (180, 0.35, 90, 2),
        (120, 0.35, 120, 1),
        (60, 0.35, 86, 1),
        (0, None, 10, 1),
        (25, None, 10, 3),
        (180, 0.0, 10, 18),
    ],
)
def test_windows_are_wider_where_few_events_come(duration, rate, window, consecutive):
    found = windowing(duration, rate)
    assert (found.window_seconds, found.consecutive) == (window, consecutive)
