"""The search for a system's capacity: from the trials so far to the next one (methodology §6, ADR 4).

Nothing here remembers anything. The next step is a function of the results, so a search can be replayed from its
trials.jsonl, and taken up again where it was broken off.

The order: a geometric ramp from the first rate to one that is proven to fail (downwards, if the first does not pass);
bisection in log load; confirmations of the highest rate that passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.model.capacity import Bracket, SearchEnd, SearchSettings, Trial, TrialPurpose, TrialResult
from harness.model.verdict import Outcome

MOST_UNDECIDED = 3
"""So many rates in a row that stay undecided end the ramp: more load would decide nothing either."""
MOST_LOST = 2
"""So many trials in a row that give no information end the search."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a search still has before it, for who watches it: most likely, and never beyond the budget."""

    trials: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Want:
    """A trial that the rules ask for."""

    purpose: TrialPurpose
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Known:
    """What the trials say of each rate, without the confirmations: ascending rates."""

    passed: tuple[float, ...]
    failed: tuple[float, ...]
    undecided: tuple[float, ...]

    @property
    def upper(self) -> float | None:
        """The lowest rate that failed."""
        return self.failed[0] if self.failed else None

    @property
    def lower(self) -> float | None:
        """The highest pass below the lowest fail: a pass above a fail is a fluke (RFC 9971)."""
        return max((rate for rate in self.passed if rate < (self.upper or math.inf)), default=None)

    @property
    def between(self) -> tuple[float, ...]:
        """The undecided rates between the two."""
        low, high = self.lower or 0.0, self.upper or math.inf
        return tuple(rate for rate in self.undecided if low < rate < high)

    @property
    def tried(self) -> tuple[float, ...]:
        """All rates."""
        return tuple(sorted((*self.passed, *self.failed, *self.undecided)))


def next_step(settings: SearchSettings, results: Sequence[TrialResult]) -> Trial | SearchEnd:
    """What to do after these results, which are all of the search, in order."""
    wanted = [] if _lost(results) >= MOST_LOST else _wanted(settings, results)
    for want in wanted:
        if _fits(settings, results, want):
            return Trial(len(results) + 1, want.purpose, want.rate, want.seconds)
    found = bracket(settings, results)
    if _lost(results) >= MOST_LOST:
        cut = _lost_words(results[-MOST_LOST:])
    elif wanted:
        cut = _budget_words(settings, results)
    elif any(_searching(settings, _informative(results))):  # given up for the confirmations
        cut = f"the budget of {settings.budget_seconds:,.0f} s left no time to narrow the bracket further"
    else:
        return SearchEnd(found, True, _found_words(settings, results, found))
    return SearchEnd(found, False, f"{cut}; {_found_words(settings, results, found)}")


def bracket(settings: SearchSettings, results: Sequence[TrialResult]) -> Bracket:
    """Where the capacity lies by these results: of all trials, confirmations too.

    The upper end is the lowest rate that failed and never passed. The lower end is the highest rate below it that
    passed all its confirmations; without one, the highest that passed, below all whose confirmations did not. What was
    tried between the two and did not pass is undecided, also where trials of one rate contradict each other.
    """
    states = {rate: _state(settings, results, rate) for rate in _rates(results)}
    upper = min((rate for rate, state in states.items() if state is Outcome.FAIL), default=None)
    below = sorted(rate for rate in states if rate < (upper or math.inf))
    refuted = min((rate for rate in below if _is_refuted(settings, results, rate)), default=math.inf)
    passed = [rate for rate in below if states[rate] is Outcome.PASS and rate < refuted]
    confirmed = [rate for rate in passed if _passes(results, rate) >= max(1, settings.confirmations)]
    lower = max(confirmed or passed, default=None)
    undecided = tuple(rate for rate in below if rate > (lower or 0.0) and states[rate] is not Outcome.PASS)
    if upper is None and undecided:  # none is proven to fail: the lowest that did not pass, as far as is known
        return Bracket(lower, undecided[0], bool(confirmed), False)
    return Bracket(lower, upper, bool(confirmed), upper is not None, undecided)


def _rates(results: Sequence[TrialResult]) -> list[float]:
    return sorted({each.trial.rate_per_second for each in _informative(results)})


def _state(settings: SearchSettings, results: Sequence[TrialResult], rate: float) -> Outcome:
    """What all trials of a rate say together."""
    confirmations = {each.outcome for each in _confirmations(results, rate)}
    known = _known(results)
    passed = rate in known.passed or Outcome.PASS in confirmations
    if rate in known.failed or Outcome.FAIL in confirmations:
        return Outcome.INCONCLUSIVE if passed else Outcome.FAIL
    return Outcome.PASS if passed and not _is_refuted(settings, results, rate) else Outcome.INCONCLUSIVE


def remaining(settings: SearchSettings, results: Sequence[TrialResult]) -> Remaining:
    """What is left, as it looks now: the ramp's next steps while there is no upper end, the bisections that the gap
    needs, and the confirmations. Nothing when the search is over."""
    if isinstance(next_step(settings, results), SearchEnd):
        return Remaining(0, 0.0)
    known = _known(results)
    rate = _candidate(settings, results)
    confirmed = 0 if rate is None else _passes(results, rate)
    confirmations = max(0, settings.confirmations - confirmed)
    trials = 0
    if not any(each.trial.purpose is TrialPurpose.CONFIRM for each in results):
        trials = _bisections(settings, known)
    length = settings.trial_seconds * (settings.longest_extension if known.between else 1)
    seconds = trials * (length + _overhead(settings, results))
    seconds += confirmations * (settings.confirm_seconds + _overhead(settings, results))
    return Remaining(max(1, trials + confirmations), min(seconds, settings.budget_seconds - _spent(results)))


def _bisections(settings: SearchSettings, known: _Known) -> int:
    """Trials until the gaps beside the bracket's ends are narrow, without extensions."""
    ramp, gaps = 0, list(_gaps(settings, known))
    if not known.tried:
        ramp = 1
    if known.upper is None or known.lower is None:
        ramp, gaps = ramp + 1, [(1.0, settings.growth)]
    halvings = sum(
        math.ceil(math.log2(math.log(high / low) / math.log1p(settings.width)) - _ROUNDING)
        for low, high in gaps
        if high / low > 1 + settings.width
    )
    return ramp + halvings


def _wanted(settings: SearchSettings, results: Sequence[TrialResult]) -> list[_Want]:
    """What the rules ask for, the best first: a later one is for a budget that no longer holds the first."""
    if _lost(results):
        again = results[-1].trial
        return [_Want(again.purpose, again.rate_per_second, again.measure_seconds)]
    informative = _informative(results)
    wanted: list[_Want] = []
    if not any(each.trial.purpose is TrialPurpose.CONFIRM for each in informative):
        wanted.extend(_searching(settings, informative))
    wanted.extend(_confirming(settings, results))
    return wanted


def _searching(settings: SearchSettings, informative: Sequence[TrialResult]) -> Iterator[_Want]:
    """The ramp, the extensions and the bisection, whatever has been confirmed."""
    longest = settings.trial_seconds * settings.longest_extension
    looked = [each for each in informative if each.trial.purpose is not TrialPurpose.CONFIRM]
    if looked and looked[-1].outcome is Outcome.INCONCLUSIVE:
        last = looked[-1].trial
        if last.measure_seconds < longest * (1 - _ROUNDING):
            yield _Want(TrialPurpose.EXTEND, last.rate_per_second, longest)
    known = _known(looked)
    rate = _next_rate(settings, known)
    if rate is None:
        return
    if known.upper is None or known.lower is None:
        yield _Want(TrialPurpose.RAMP, rate, settings.trial_seconds)
        return
    if known.between:  # beside what could not be decided a short trial would not decide either
        yield _Want(TrialPurpose.BISECT, rate, longest)
    yield _Want(TrialPurpose.BISECT, rate, settings.trial_seconds)


def _next_rate(settings: SearchSettings, known: _Known) -> float | None:
    """The next rate of ramp or bisection, None when there is nothing more to learn."""
    tried = known.tried
    if not tried:
        return settings.first_rate_per_second
    if known.lower is None and tried[0] > settings.lowest_rate_per_second:
        return max(tried[0] / settings.growth, settings.lowest_rate_per_second)
    if known.upper is None and len(known.between) < MOST_UNDECIDED and tried[-1] < settings.highest_rate_per_second:
        return min(tried[-1] * settings.growth, settings.highest_rate_per_second)
    widest = max(_gaps(settings, known), key=lambda gap: gap[1] / gap[0], default=None)
    return None if widest is None else math.sqrt(widest[0] * widest[1])


def _gaps(settings: SearchSettings, known: _Known) -> Iterator[tuple[float, float]]:
    """What lies untried, and is wider than asked for, between the bracket's ends and what is undecided inside."""
    line = [rate for rate in (known.lower, *known.between, known.upper) if rate is not None]
    gaps = list(pairwise(line))
    ends = {gaps[0], gaps[-1]} if gaps else set()
    for low, high in gaps:
        beside = (low, high) in ends and (low == known.lower or high == known.upper)
        if beside and high / low > (1 + settings.width) * (1 + _ROUNDING):
            yield low, high


def _known(results: Sequence[TrialResult]) -> _Known:
    """What ramp, bisection and extensions say: of each rate its last trial counts, the longest."""
    last: dict[float, Outcome] = {}
    for each in _informative(results):
        if each.trial.purpose is not TrialPurpose.CONFIRM:
            last[each.trial.rate_per_second] = each.outcome
    rates = sorted(last)
    return _Known(
        tuple(rate for rate in rates if last[rate] is Outcome.PASS),
        tuple(rate for rate in rates if last[rate] is Outcome.FAIL),
        tuple(rate for rate in rates if last[rate] is Outcome.INCONCLUSIVE),
    )


def _candidate(settings: SearchSettings, results: Sequence[TrialResult]) -> float | None:
    """The rate to confirm: the highest pass, one width lower for each that a confirmation did not pass."""
    rate = _known(results).lower
    while rate is not None and _is_refuted(settings, results, rate):
        if rate <= settings.lowest_rate_per_second:
            return None
        rate = max(rate / (1 + settings.width), settings.lowest_rate_per_second)
    return rate


def _confirming(settings: SearchSettings, results: Sequence[TrialResult]) -> Iterator[_Want]:
    """The next confirmation: a fresh one, or the last for longer if it could not decide."""
    rate = _candidate(settings, results)
    if rate is None or _passes(results, rate) >= settings.confirmations:
        return
    made = _confirmations(results, rate)
    longer = bool(made) and made[-1].outcome is Outcome.INCONCLUSIVE
    seconds = settings.confirm_seconds * (settings.longest_extension if longer else 1)
    yield _Want(TrialPurpose.CONFIRM, rate, seconds)


def _confirmations(results: Sequence[TrialResult], rate: float) -> list[TrialResult]:
    return [
        each
        for each in _informative(results)
        if each.trial.purpose is TrialPurpose.CONFIRM and each.trial.rate_per_second == rate
    ]


def _passes(results: Sequence[TrialResult], rate: float) -> int:
    return sum(each.outcome is Outcome.PASS for each in _confirmations(results, rate))


def _is_refuted(settings: SearchSettings, results: Sequence[TrialResult], rate: float) -> bool:
    """Whether a confirmation of the rate failed, or could not decide even when it was made for longer."""
    longest = settings.confirm_seconds * settings.longest_extension * (1 - _ROUNDING)
    return any(
        each.outcome is Outcome.FAIL or (each.outcome is Outcome.INCONCLUSIVE and each.trial.measure_seconds >= longest)
        for each in _confirmations(results, rate)
    )


def _informative(results: Sequence[TrialResult]) -> list[TrialResult]:
    """Without what says nothing: INVALID trials, and those that began before the queues were drained."""
    return [each for each in results if each.drained and each.outcome is not Outcome.INVALID]


def _lost(results: Sequence[TrialResult]) -> int:
    """How many of the last trials in a row say nothing."""
    count = 0
    for each in reversed(results):
        if each.drained and each.outcome is not Outcome.INVALID:
            break
        count += 1
    return count


def _spent(results: Sequence[TrialResult]) -> float:
    return math.fsum(each.took_seconds for each in results)


def _overhead(settings: SearchSettings, results: Sequence[TrialResult]) -> float:
    """Of one trial beside its measuring: as settings say, or more if a trial took more."""
    return max([settings.overhead_seconds, *(each.took_seconds - each.trial.measure_seconds for each in results)])


def _fits(settings: SearchSettings, results: Sequence[TrialResult], want: _Want) -> bool:
    """Whether the budget holds the trial, and beside it the confirmations of a pass that there is to confirm."""
    overhead = _overhead(settings, results)
    left = settings.budget_seconds - _spent(results) + _ROUNDING
    reserve = settings.confirmations * (settings.confirm_seconds + overhead)
    if want.purpose is TrialPurpose.CONFIRM or _known(results).lower is None or left < reserve:
        reserve = 0.0  # nothing to confirm, or no time for it anyway
    return want.seconds + overhead + reserve <= left


def _lost_words(last: Sequence[TrialResult]) -> str:
    reasons = "; ".join(
        f"trial {each.trial.number}: " + (each.reason if each.drained else "the queues were not at their baseline")
        for each in last
    )
    return f"two trials in a row gave no information ({reasons})"


def _budget_words(settings: SearchSettings, results: Sequence[TrialResult]) -> str:
    left = max(0.0, settings.budget_seconds - _spent(results))
    return (
        f"the budget of {settings.budget_seconds:,.0f} s ended the search: its next trial would not have fitted into "
        f"the {left:,.0f} s that were left"
    )


def _found_words(settings: SearchSettings, results: Sequence[TrialResult], found: Bracket) -> str:
    low, high = found.lower_per_second, found.upper_per_second
    if not _informative(results):
        return "nothing was found out"
    if low is None and _known(results).lower is not None:
        words = "no rate passed its confirmations"
    elif low is None:
        words = f"no rate passed, down to {min(each.trial.rate_per_second for each in _informative(results)):.4g}/s"
    elif found.confirmed:
        words = f"{low:.4g}/s passed all of its {settings.confirmations} confirmations"
    else:
        words = f"{low:.4g}/s passed, unconfirmed"
    if high is None:
        words += ", and no higher rate was tried: the capacity is at least that" if low is not None else ""
    elif not found.proven:
        words += f"; no higher rate is proven to fail, those from {high:.4g}/s on stayed undecided"
    else:
        words += f"; {high:.4g}/s failed" + ("" if low is None else f", {high / low - 1:.1%} above it")
    if found.undecided_per_second:
        rates = ", ".join(f"{rate:.4g}/s" for rate in found.undecided_per_second)
        longest = max(each.trial.measure_seconds for each in results)
        words += f"; {rates} between them could not be decided in trials of up to {longest:.0f} s"
    return words
