"""What RFC 9971 (MLRsearch) makes of the trials at one load: lower bound, upper bound or undecided (vector T14).

Shown beside our own verdict of a rate, so that a search can be compared with tools that follow the RFC. The verdict
itself is a test of proportions, since this classification takes every trial's share of bad requests for the truth, be
it of 200 requests or of 20,000 (ADR 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.model.capacity import TrialResult
from harness.model.verdict import Outcome


class LoadClass(StrEnum):
    """A load, for one goal."""

    LOWER_BOUND = "lower bound"
    """It meets the goal, whatever trials are still missing."""
    UPPER_BOUND = "upper bound"
    """It does not, whatever trials are still missing."""
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class SearchGoal:
    """final_trial_seconds: shorter trials are *short* and count for less. duration_sum_seconds: enough trial time for a
    decision. loss_ratio: a trial with a larger share of bad requests is bad. exceed_ratio: share of the time that bad
    trials may make up; below 1."""

    final_trial_seconds: float
    duration_sum_seconds: float
    loss_ratio: float
    exceed_ratio: float

    def __post_init__(self) -> None:
        if not 0 <= self.exceed_ratio < 1:
            raise ValueError("the exceed ratio lies in [0, 1)")


@dataclass(frozen=True, slots=True)
class LoadTrial:
    """One trial at the load: its length, and its share of bad requests."""

    seconds: float
    loss_ratio: float


def classify(trials: Iterable[LoadTrial], goal: SearchGoal) -> LoadClass:
    """The class of a load by its trials.

    Short good trials only make up for short bad ones. The load is a lower bound if it meets the goal even should all
    missing time turn out bad, an upper bound if it does not even should all of it turn out good. The code of the draft
    is followed; its table contradicts it for exceed ratio 0.2 (methodology T14).
    """
    full_good, full_bad, short_good, short_bad = _sums(trials, goal)
    exceed = goal.exceed_ratio
    bad = full_bad + max(0.0, short_bad - short_good * exceed / (1 - exceed))
    whole = max(full_good + bad, goal.duration_sum_seconds)
    pessimistic, optimistic = whole - full_good <= whole * exceed, bad <= whole * exceed
    if pessimistic and optimistic:
        return LoadClass.LOWER_BOUND
    return LoadClass.UNDECIDED if pessimistic or optimistic else LoadClass.UPPER_BOUND


def conditional_throughput(load_per_second: float, trials: Sequence[LoadTrial], goal: SearchGoal) -> float:
    """The load × (1 − loss of the trial at the exceed ratio's quantile, full-length trials by their time)."""
    full = sorted((each for each in trials if not _is_short(each, goal)), key=lambda each: each.loss_ratio)
    whole = max(sum(each.seconds for each in full), goal.duration_sum_seconds)
    left, loss = whole * (1 - goal.exceed_ratio), 1.0
    for each in full:
        if left <= 0:
            break
        loss = each.loss_ratio
        left -= each.seconds
    return load_per_second * (1 - (1.0 if left > 0 else loss))


def load_trials(results: Iterable[TrialResult], rate_per_second: float) -> tuple[LoadTrial, ...]:
    """The trials of a search at one rate, of their response-time SLO; without those that give no information."""
    return tuple(
        LoadTrial(each.trial.measure_seconds, each.bad / each.n)
        for each in results
        if each.trial.rate_per_second == rate_per_second
        and each.drained
        and each.outcome is not Outcome.INVALID
        and each.n
    )


def _is_short(trial: LoadTrial, goal: SearchGoal) -> bool:
    return trial.seconds < goal.final_trial_seconds


def _sums(trials: Iterable[LoadTrial], goal: SearchGoal) -> tuple[float, float, float, float]:
    """Seconds of full good, full bad, short good and short bad trials."""
    sums = {(short, bad): 0.0 for short in (False, True) for bad in (False, True)}
    for each in trials:
        sums[_is_short(each, goal), each.loss_ratio > goal.loss_ratio] += each.seconds
    return sums[False, False], sums[False, True], sums[True, False], sums[True, True]
