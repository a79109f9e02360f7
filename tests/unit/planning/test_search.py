from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from harness.model.capacity import SearchSettings, Trial, TrialPurpose, TrialResult
from harness.model.verdict import Outcome
from harness.planning.search import bracket, next_step, remaining

PASS, FAIL, OPEN, INVALID = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID
RAMP, BISECT, EXTEND, CONFIRM = TrialPurpose.RAMP, TrialPurpose.BISECT, TrialPurpose.EXTEND, TrialPurpose.CONFIRM
SETTINGS = SearchSettings(
    first_rate_per_second=100,
    growth=2,
    width=0.05,
    trial_seconds=20,
    longest_extension=3,
    confirmations=3,
    confirm_seconds=60,
    overhead_seconds=5,
    budget_seconds=3600,
    lowest_rate_per_second=10,
    highest_rate_per_second=5000,
)


def result(trial, outcome, *, drained=True, reason="", took=None):
    took = trial.measure_seconds + 5 if took is None else took
    deciding = "" if outcome is PASS else "times"
    rate = trial.rate_per_second
    return TrialResult(trial, outcome, reason, deciding, took, rate, rate, 1, {}, 0, 1, drained)


def run(system, settings=SETTINGS, results=(), most=200):
    """The end of a search on a made-up system (a function from a trial to its outcome, or to its result), and its
    results."""
    results = list(results)
    while isinstance(step := next_step(settings, results), Trial):
        found = system(step)
        results.append(found if isinstance(found, TrialResult) else result(step, found))
        assert len(results) < most
    return step, results


def capacity(at, blind=0.0):
    """A system of that capacity; trials within the share ``blind`` of it decide nothing."""

    def system(trial):
        if abs(math.log(trial.rate_per_second / at)) < blind:
            return OPEN
        return PASS if trial.rate_per_second <= at else FAIL

    return system


def made(results):
    return [(each.trial.purpose, round(each.trial.rate_per_second, 1), each.trial.measure_seconds) for each in results]


def test_ramp_bisection_and_confirmations():
    end, results = run(capacity(437))
    assert made(results)[:5] == [
        (RAMP, 100, 20),
        (RAMP, 200, 20),
        (RAMP, 400, 20),
        (RAMP, 800, 20),
        (BISECT, 565.7, 20),
    ]
    assert [purpose for purpose, _, _ in made(results)[-3:]] == [CONFIRM] * 3
    assert {seconds for purpose, _, seconds in made(results) if purpose is CONFIRM} == {60}
    assert [each.trial.number for each in results] == list(range(1, len(results) + 1))
    found = end.bracket
    assert found.lower_per_second <= 437 < found.upper_per_second <= found.lower_per_second * 1.05
    assert end.complete and found.confirmed and found.proven
    assert found.middle_per_second == pytest.approx(437, rel=0.05)
    assert "passed all of its 3 confirmations" in end.reason


def test_down_from_a_first_rate_that_fails():
    end, results = run(capacity(60))
    assert made(results)[:3] == [(RAMP, 100, 20), (RAMP, 50, 20), (BISECT, 70.7, 20)]
    assert end.bracket.lower_per_second <= 60 < end.bracket.upper_per_second


def test_what_stays_undecided_lies_inside_the_bracket():
    end, results = run(capacity(437, blind=0.04))
    found = end.bracket
    assert found.proven and found.confirmed
    assert found.lower_per_second < 437 * math.exp(-0.04) < 437 * math.exp(0.04) < found.upper_per_second
    assert found.undecided_per_second
    assert found.lowest_non_pass_per_second == found.undecided_per_second[0] < found.upper_per_second
    assert found.undecided_per_second[0] <= found.lower_per_second * 1.05
    assert found.upper_per_second <= found.undecided_per_second[-1] * 1.05
    first = next(number for number, each in enumerate(results) if each.outcome is OPEN)
    assert made(results)[first][2] == 20 and results[first + 1].trial.purpose is EXTEND
    # what lies beside it is looked at for as long straight away
    assert {each.trial.measure_seconds for each in results[first + 1 :]} == {60}
    assert sum(each.trial.purpose is EXTEND for each in results) == 1
    assert "could not be decided in trials of up to 60 s" in end.reason


def test_an_extension_that_decides():
    end, results = run(lambda trial: OPEN if trial.measure_seconds < 60 and trial.rate_per_second > 300 else PASS)
    assert (EXTEND, 400, 60) in made(results)
    assert end.bracket.undecided_per_second == ()


def test_without_extensions():
    _, results = run(capacity(437, blind=0.04), replace(SETTINGS, longest_extension=1))
    assert not any(each.trial.purpose is EXTEND for each in results)


def test_a_system_that_is_never_proven_to_fail_is_not_loaded_without_end():
    """As on a machine that is smaller than the stage, where no FAIL stands."""
    end, results = run(lambda trial: PASS if trial.rate_per_second <= 300 else OPEN)
    assert max(each.trial.rate_per_second for each in results) == 1600
    found = end.bracket
    assert not found.proven and found.confirmed
    assert found.lower_per_second <= 300 < found.upper_per_second <= found.lower_per_second * 1.05
    assert "no higher rate is proven to fail" in end.reason


def test_everything_passes():
    end, results = run(lambda _: PASS, replace(SETTINGS, highest_rate_per_second=900))
    assert [rate for _, rate, _ in made(results)] == [100, 200, 400, 800, 900, 900, 900, 900]
    assert end.complete and end.bracket.confirmed
    assert end.bracket.lower_per_second == 900
    assert end.bracket.upper_per_second is None and end.bracket.middle_per_second is None
    assert "at least that" in end.reason


@pytest.mark.parametrize("outcome", [FAIL, OPEN])
def test_nothing_passes(outcome):
    end, results = run(lambda _: outcome)
    assert min(each.trial.rate_per_second for each in results) == 10
    assert end.complete
    assert end.bracket.lower_per_second is None
    assert end.bracket.upper_per_second == 10
    assert end.bracket.proven is (outcome is FAIL)
    assert "no rate passed, down to 10/s" in end.reason


def test_a_confirmation_that_does_not_pass_costs_a_width():
    end, results = run(
        lambda trial: OPEN if trial.purpose is CONFIRM and trial.rate_per_second > 420 else capacity(437)(trial)
    )
    confirmed = [each.trial.rate_per_second for each in results if each.trial.purpose is CONFIRM]
    assert confirmed == pytest.approx([*[confirmed[0]] * 2, *[confirmed[0] / 1.05] * 3])
    assert [seconds for _, _, seconds in made(results)[-5:]] == [60, 180, 60, 60, 60]
    assert end.bracket.lower_per_second == confirmed[-1]
    assert confirmed[0] in end.bracket.undecided_per_second
    assert end.bracket.confirmed and end.bracket.upper_per_second > 437


def test_a_confirmation_that_decides_when_made_for_longer():
    seen = []

    def system(trial):
        seen.append(trial)
        second = trial.purpose is CONFIRM and sum(each.purpose is CONFIRM for each in seen) == 2
        return OPEN if second else capacity(437)(trial)

    end, results = run(system)
    assert [seconds for purpose, _, seconds in made(results) if purpose is CONFIRM] == [60, 60, 180, 60]
    assert len({rate for purpose, rate, _ in made(results) if purpose is CONFIRM}) == 1
    assert end.complete and end.bracket.confirmed and end.bracket.undecided_per_second == ()


def test_a_rate_that_passed_and_failed_is_no_upper_end():
    end, _ = run(
        lambda trial: FAIL if trial.purpose is CONFIRM and trial.rate_per_second > 430 else capacity(437)(trial)
    )
    assert end.bracket.upper_per_second > 437
    assert any(430 < rate < 437 for rate in end.bracket.undecided_per_second)


def test_a_pass_above_a_fail_is_a_fluke():
    trials = [Trial(number, RAMP, rate, 20) for number, rate in enumerate((100, 200, 400, 300), start=1)]
    results = [result(trial, outcome) for trial, outcome in zip(trials, (PASS, FAIL, PASS, FAIL), strict=True)]
    found = bracket(SETTINGS, results)
    assert (found.lower_per_second, found.upper_per_second) == (100, 200)
    assert next_step(SETTINGS, results).rate_per_second == pytest.approx(math.sqrt(100 * 200))


def test_no_confirmation_passes_anywhere():
    settings = replace(SETTINGS, budget_seconds=1e5)
    end, results = run(lambda trial: OPEN if trial.purpose is CONFIRM else capacity(30)(trial), settings)
    assert min(each.trial.rate_per_second for each in results) == 10
    assert end.complete
    assert end.bracket.lower_per_second is None and end.bracket.upper_per_second > 30
    assert "no rate passed its confirmations" in end.reason


def test_a_pass_above_what_a_confirmation_refuted_is_no_lower_end():
    settings = replace(SETTINGS, budget_seconds=25 * 8 + (65 + 185) * 3 + 20)
    end, results = run(lambda trial: OPEN if trial.purpose is CONFIRM else capacity(437)(trial), settings)
    refuted = min(each.trial.rate_per_second for each in results if each.trial.purpose is CONFIRM)
    assert 200 < refuted < 400
    assert end.bracket.lower_per_second == 200 and not end.bracket.confirmed and not end.complete
    assert 400 not in end.bracket.undecided_per_second  # it passed, and was not asked again


def test_an_invalid_trial_is_repeated_and_two_end_the_search():
    seen = []

    def once(trial):
        seen.append(trial)
        return INVALID if len(seen) == 3 else capacity(437)(trial)

    end, results = run(once)
    again, first = results[3].trial, results[2].trial
    assert (again.purpose, again.rate_per_second, again.measure_seconds) == (RAMP, 400, 20)
    assert first.number + 1 == again.number
    assert end.complete

    end, results = run(lambda trial: result(trial, INVALID if trial.number > 4 else PASS, reason="generator too slow"))
    assert len(results) == 6 and not end.complete
    assert "two trials in a row gave no information (trial 5: generator too slow" in end.reason
    assert end.bracket.lower_per_second == 800 and not end.bracket.confirmed


def test_a_trial_that_began_with_full_queues_says_nothing():
    end, results = run(lambda trial: result(trial, FAIL, drained=trial.number not in (2, 3)))
    assert len(results) == 3
    assert "the queues were not at their baseline" in end.reason
    assert end.bracket.upper_per_second == 100


def test_the_budget_is_kept_and_holds_the_confirmations():
    settings = replace(SETTINGS, budget_seconds=25 * 6 + 65 * 3)
    end, results = run(capacity(437), settings)
    assert [each.trial.purpose for each in results] == [RAMP] * 4 + [BISECT] * 2 + [CONFIRM] * 3
    assert math.fsum(each.took_seconds for each in results) <= settings.budget_seconds
    assert not end.complete and end.bracket.confirmed
    assert "left no time to narrow the bracket further" in end.reason

    end, results = run(capacity(437), replace(SETTINGS, budget_seconds=60))
    assert len(results) == 2 and not end.complete and not end.bracket.confirmed
    assert "unconfirmed" in end.reason and "would not have fitted" in end.reason

    end, results = run(capacity(437), replace(SETTINGS, budget_seconds=20))
    assert results == [] and "nothing was found out" in end.reason


def test_trials_that_take_longer_than_said_are_reckoned_with():
    settings = replace(SETTINGS, budget_seconds=600)
    _, results = run(lambda trial: result(trial, PASS, took=trial.measure_seconds + 40), settings)
    assert math.fsum(each.took_seconds for each in results) <= 600


def test_a_shorter_trial_that_the_budget_still_holds():
    """No time for an extension, but for the next bisection."""
    settings = replace(SETTINGS, budget_seconds=25 * 5 + 65 * 3 + 30)
    _, results = run(lambda trial: OPEN if 500 < trial.rate_per_second < 600 else capacity(437)(trial), settings)
    assert [each.trial.purpose for each in results][4:] == [BISECT, BISECT, CONFIRM, CONFIRM, CONFIRM]


def test_what_is_left():
    left = remaining(SETTINGS, [])
    assert left.trials == 1 + 1 + 4 + 3  # a ramp, its failing step, a gap of 2 in widths of 5 %, the confirmations
    assert left.seconds == 6 * 25 + 3 * 65
    _, results = run(capacity(437))
    estimates = [remaining(SETTINGS, results[:count]) for count in range(len(results) + 1)]
    assert [each.trials for each in estimates[-4:]] == [3, 2, 1, 0]
    assert estimates[-1].seconds == 0
    assert all(before.trials >= after.trials for before, after in pairwise(estimates[4:]))
    tight = replace(SETTINGS, budget_seconds=100)
    assert remaining(tight, []).seconds == 100
    assert remaining(tight, [result(Trial(1, RAMP, 100, 20), INVALID)]).trials >= 1
