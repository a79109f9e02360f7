from __future__ import annotations

import math
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.capacity import SearchEnd, SearchSettings, Trial, TrialPurpose, TrialResult
from harness.model.verdict import Outcome
from harness.planning.search import bracket, next_step, remaining


@st.composite
def asked(draw):
    lowest = draw(st.floats(0.1, 100))
    highest = lowest * draw(st.floats(1, 1000))
    return SearchSettings(
        first_rate_per_second=min(highest, lowest * draw(st.floats(1, 1000))),
        growth=draw(st.floats(1.1, 4)),
        width=draw(st.floats(0.01, 0.3)),
        trial_seconds=20,
        longest_extension=draw(st.sampled_from([1.0, 2.0, 3.0])),
        confirmations=draw(st.integers(0, 4)),
        confirm_seconds=60,
        overhead_seconds=draw(st.floats(0, 20)),
        budget_seconds=draw(st.floats(10, 6000)),
        lowest_rate_per_second=lowest,
        highest_rate_per_second=highest,
    )


@st.composite
def systems(draw):
    """A monotone system: what passes is never above what fails, but for noise, INVALIDs and queues that stay full."""
    at = draw(st.floats(0.01, 1e5))
    blind = draw(st.floats(0, 1))
    noise, lost = draw(st.floats(0, 1)), draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    random = Random(draw(st.integers(0, 10**6)))

    def system(trial, overhead):
        away = math.log(trial.rate_per_second / at)
        outcome = Outcome.INCONCLUSIVE if abs(away) < blind else Outcome.PASS if away < 0 else Outcome.FAIL
        if random.random() < noise:
            outcome = random.choice([Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE])
        drained = True
        if random.random() < lost:
            outcome, drained = random.choice([(Outcome.INVALID, True), (outcome, False)])
        took = trial.measure_seconds + overhead * random.random()
        rate = trial.rate_per_second
        return TrialResult(trial, outcome, "", "", took, rate, rate, 1.0, {}, 0, 1, drained)

    return system


def run(wanted, system):
    results = []
    while isinstance(step := next_step(wanted, results), Trial):
        results.append(system(step, wanted.overhead_seconds))
        assert len(results) <= wanted.budget_seconds / wanted.trial_seconds
    return step, results


@settings(deadline=None)
@given(asked(), systems())
def test_every_search_ends_within_its_budget_and_bounds(wanted, system):
    end, results = run(wanted, system)
    assert isinstance(end, SearchEnd) and end.reason
    assert math.fsum(each.took_seconds for each in results) <= wanted.budget_seconds + 1e-6
    for number, each in enumerate(results, start=1):
        trial = each.trial
        assert trial.number == number
        assert wanted.lowest_rate_per_second <= trial.rate_per_second <= wanted.highest_rate_per_second


@settings(deadline=None)
@given(asked(), systems())
def test_the_bracket_is_in_order_and_made_of_trials(wanted, system):
    end, results = run(wanted, system)
    seen = {each.trial.rate_per_second: set() for each in results}
    for each in results:
        if each.drained:
            seen[each.trial.rate_per_second].add(each.outcome)
    found = end.bracket
    line = [found.lower_per_second, *found.undecided_per_second, found.upper_per_second]
    known = [rate for rate in line if rate is not None]
    assert known == sorted(set(known)) and set(known) <= set(seen)
    if found.lower_per_second is not None:
        assert Outcome.PASS in seen[found.lower_per_second]
    if found.proven:
        assert Outcome.FAIL in seen[found.upper_per_second] and Outcome.PASS not in seen[found.upper_per_second]
    if found.confirmed:
        made = [
            (each.outcome, each.trial.measure_seconds)
            for each in results
            if each.trial.purpose is TrialPurpose.CONFIRM
            and each.trial.rate_per_second == found.lower_per_second
            and each.drained
            and each.outcome is not Outcome.INVALID
        ]
        passes = [outcome for outcome, _ in made if outcome is Outcome.PASS]
        assert len(passes) == max(1, wanted.confirmations)
        longest = wanted.confirm_seconds * wanted.longest_extension
        assert {outcome for outcome, _ in made} <= {Outcome.PASS, Outcome.INCONCLUSIVE}
        assert all(outcome is Outcome.PASS for outcome, seconds in made if seconds == longest)


@settings(deadline=None)
@given(asked(), systems())
def test_no_rate_is_tried_again_without_a_reason(wanted, system):
    _, results = run(wanted, system)
    informative = [each for each in results if each.drained and each.outcome is not Outcome.INVALID]
    tried = [
        (each.trial.rate_per_second, each.trial.purpose is TrialPurpose.EXTEND)
        for each in informative
        if each.trial.purpose is not TrialPurpose.CONFIRM
    ]
    assert len(tried) == len(set(tried))
    confirmed = [each.trial.rate_per_second for each in informative if each.trial.purpose is TrialPurpose.CONFIRM]
    assert all(confirmed.count(rate) <= 2 * wanted.confirmations for rate in confirmed)
    for before, after in pairwise(results):
        if before not in informative:
            assert (after.trial.rate_per_second, after.trial.purpose) == (
                before.trial.rate_per_second,
                before.trial.purpose,
            )


@settings(deadline=None)
@given(asked(), systems())
def test_a_search_is_a_function_of_its_results(wanted, system):
    """So that it can be replayed, and taken up again after any trial."""
    end, results = run(wanted, system)
    for count, each in enumerate(results):
        assert next_step(wanted, results[:count]) == each.trial
        assert remaining(wanted, results[:count]).trials >= 1
        assert remaining(wanted, results[:count]).seconds <= wanted.budget_seconds
    assert next_step(wanted, results) == end
    assert bracket(wanted, results) == end.bracket
    assert remaining(wanted, results).trials == 0


@settings(deadline=None)
@given(asked(), st.floats(0.01, 1e5))
def test_a_system_without_noise_is_found(wanted, at):
    """With budget enough: the bracket holds the capacity and is as narrow as asked for."""

    def system(trial, overhead):
        outcome = Outcome.PASS if trial.rate_per_second <= at else Outcome.FAIL
        rate = trial.rate_per_second
        return TrialResult(trial, outcome, "", "", trial.measure_seconds + overhead, rate, rate, 1.0, {}, 0, 1, True)

    end, _ = run(wanted, system)
    if not end.complete:
        return
    low, high = end.bracket.lower_per_second, end.bracket.upper_per_second
    assert low is None or low <= at
    assert high is None or high > at
    assert (low is None) == (at < wanted.lowest_rate_per_second)
    assert (high is None) == (at >= wanted.highest_rate_per_second)
    if low is not None and high is not None:
        assert high / low <= (1 + wanted.width) * (1 + 1e-6)
