from __future__ import annotations

import pytest

from harness.analysis.load_classification import (
    LoadClass,
    LoadTrial,
    SearchGoal,
    classify,
    conditional_throughput,
    load_trials,
)
from harness.model.capacity import Trial, TrialPurpose, TrialResult
from harness.model.verdict import Outcome

GOALS = {
    "A": SearchGoal(60, 60, 0, 0),
    "B": SearchGoal(60, 120, 0, 0.5),
    "C": SearchGoal(1, 120, 0.005, 0.5),
    "D": SearchGoal(60, 60, 0.005, 0.2),
}
STEPS = ((59, 1, 0), (1, 1, 0.01), (59, 1, 0.01), (1, 1, 0), (1, 60, 0.001), (1, 60, 0))
"""How many trials, of how many seconds, with which loss."""
LETTERS = {LoadClass.LOWER_BOUND: "L", LoadClass.UPPER_BOUND: "U", LoadClass.UNDECIDED: "?"}


def trials(steps):
    return [LoadTrial(seconds, loss) for count, seconds, loss in steps for _ in range(count)]


@pytest.mark.parametrize(("goal", "expected"), [("A", "?UUUUU"), ("B", "?????L"), ("C", "???LLL"), ("D", "??UUUU")])
def test_vector_t14(goal, expected):
    found = [classify(trials(STEPS[: count + 1]), GOALS[goal]) for count in range(len(STEPS))]
    assert "".join(LETTERS[each] for each in found) == expected


@pytest.mark.parametrize("goal", ["B", "C"])
def test_conditional_throughput_of_vector_t14(goal):
    assert conditional_throughput(1e6, trials(STEPS), GOALS[goal]) == 1e6


def test_conditional_throughput_is_less_by_the_loss_at_the_quantile():
    goal = SearchGoal(60, 120, 0.005, 0.5)
    assert conditional_throughput(100, [LoadTrial(60, 0.2), LoadTrial(60, 0.1)], goal) == pytest.approx(90)
    assert conditional_throughput(100, [LoadTrial(60, 0.2), LoadTrial(30, 0)], goal) == pytest.approx(80)
    assert conditional_throughput(100, [LoadTrial(30, 0)], goal) == 0  # not enough of them


def test_a_goal_that_bad_trials_may_always_meet_is_none():
    with pytest.raises(ValueError, match="exceed"):
        SearchGoal(60, 60, 0, 1)


def test_trials_of_a_search_that_say_something():
    def result(rate, outcome, bad, n, *, drained=True):
        trial = Trial(1, TrialPurpose.RAMP, rate, 20)
        return TrialResult(trial, outcome, "", "", 25, rate, rate, 1, {}, bad, n, drained)

    results = [
        result(100, Outcome.PASS, 10, 2000),
        result(100, Outcome.INVALID, 2000, 2000),
        result(100, Outcome.FAIL, 400, 2000, drained=False),
        result(100, Outcome.INCONCLUSIVE, 100, 2000),
        result(200, Outcome.FAIL, 2000, 4000),
    ]
    assert load_trials(results, 100) == (LoadTrial(20, 0.005), LoadTrial(20, 0.05))
    assert classify(load_trials(results, 200), SearchGoal(20, 20, 0.1, 0.5)) is LoadClass.UPPER_BOUND
