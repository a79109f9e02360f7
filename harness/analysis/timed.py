"""A threshold rule with a duration against one level (methodology §4, "Duration rule", vector T20).

The rule fires when its condition holds in so many windows in a row. That is a fact of the run, as it would be in the
plan's own monitoring, and needs no interval. That it did not fire is only said where it could have: in a measure phase
at least as long as the rule, seen well enough, and not left in the middle of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.analysis.decide import Ruling
from harness.analysis.observations import Unobserved
from harness.analysis.phases import measured, seconds_of
from harness.analysis.rules import duration_rule
from harness.analysis.slis import Sli, sli
from harness.analysis.tested import percent
from harness.analysis.windows import Reading, Windows, events_per_second, read
from harness.model.measurement import Measurement
from harness.model.plan import Level, LoadPlan
from harness.model.rule import Fires, Purpose, TimedRule, Windowing, duration_words, windowing
from harness.model.units import format_quantity
from harness.model.verdict import Outcome, Severity

FIRED = "fired"
QUIET = "did not fire"
PENDING = "left pending"
UNCOMPLETED = "window not completed"
UNSEEN = "not seen"

_CONSEQUENCES = {
    Purpose.SCALE_UP: "the plan would add capacity at this load",
    Purpose.SCALE_DOWN: "by this measure the stage is larger than this load needs (over-provisioned)",
    Purpose.ALERT: "the plan calls somebody at this load",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the numbers say of one rule at one level. The other fields: see ``RuleVerdict``.

    ruling: FAIL for whatever speaks against the stage, be it only a warning (its severity says so).
    """

    ruling: Ruling
    state: str
    counts: bool
    fired_after_seconds: float | None = None
    needed_seconds: float | None = None


def hold_timed(rule: TimedRule, measure: Sli, windows: Windows, level: Level) -> Finding:
    """The rule against the level's measure phase."""
    whole = measure.observe(windows.evidence, level)
    cut = windowing(rule.duration.value, events_per_second(whole, level))
    watched = len(seconds_of(measured(level)))
    fits = watched >= cut.seconds
    informs = rule.purpose is Purpose.SCALE_DOWN
    if isinstance(whole, Unobserved) and fits:
        return Finding(_undecided(None, whole.reason), UNSEEN, not informs)
    readings = _readings(rule, measure, level, windows, cut)
    found = duration_rule([None if each.holds is None else not each.holds for each in readings], cut.consecutive)
    seen = _measurement(rule, measure, readings, cut)
    if found.fired_at is not None:
        after = (found.fired_at + 1) * cut.window_seconds
        words = f"fired {duration_words(after)} into the measure phase{_extreme(rule, seen)}: {_consequence(rule)}"
        return Finding(_fired(rule, seen, words), FIRED, not informs, after)
    longest = _longest(readings) * cut.window_seconds
    held = (
        "too little was seen to say whether it held"
        if all(each.holds is None for each in readings)
        else f"it held for {duration_words(longest)} in a row{_extreme(rule, seen)}"
        if longest
        else f"it did not hold at any time{_extreme(rule, seen)}"
    )
    if not fits:
        run = duration_words(run_seconds(windows.evidence.plan, level, cut.seconds))
        takes = duration_words(cut.seconds)
        reason = (
            f"{held}, but the rule takes {takes} at one level and {duration_words(watched)} were measured; "
            f"a run of {run} ({takes} measured at each level) completes it"
        )
        return Finding(_undecided(seen, reason), UNCOMPLETED, False, needed_seconds=cut.seconds)
    if not found.conclusive:
        reason = f"in {percent(found.unknown)} of the windows too little was seen to say, 20 % may be; {held}"
        return Finding(_undecided(seen, reason), UNSEEN, not informs)
    last = _last(readings)
    if cut.consecutive > 1 and last * 2 >= cut.consecutive:
        reason = (
            f"it held for the last {duration_words(last * cut.window_seconds)} when the measure phase ended"
            f"{_extreme(rule, seen)}; the rule takes {duration_words(cut.seconds)}: a longer run is needed"
        )
        return Finding(_undecided(seen, reason), PENDING, not informs)
    reason = f"{held}; the rule takes {duration_words(cut.seconds)}, {duration_words(watched)} were watched"
    return Finding(Ruling(Outcome.PASS, Severity.NONE, seen, rule.threshold.value, reason), QUIET, not informs)


def run_seconds(plan: LoadPlan, level: Level, measure_seconds: float) -> float:
    """How long a run takes whose levels are all measured for so long."""
    return plan.duration_seconds + len(plan.levels) * (measure_seconds - measured(level).duration_seconds)


def _readings(rule: TimedRule, measure: Sli, level: Level, windows: Windows, cut: Windowing) -> tuple[Reading, ...]:
    observed = windows.observe(measure, level, cut.window_seconds)
    if not rule.only_with:
        return tuple(read(rule, measure, seen) for seen in observed)
    beside = windows.observe(sli(rule.only_with), level, cut.window_seconds)
    return tuple(read(rule, measure, seen, other) for seen, other in zip(observed, beside, strict=True))


def _fired(rule: TimedRule, seen: Measurement | None, words: str) -> Ruling:
    if rule.purpose is Purpose.SCALE_DOWN:
        return Ruling(Outcome.PASS, Severity.NONE, seen, rule.threshold.value, words, said=FIRED)
    return Ruling(Outcome.FAIL, rule.severity, seen, rule.threshold.value, words, proven=True, said=f"it {FIRED}")


def _consequence(rule: TimedRule) -> str:
    return _CONSEQUENCES[rule.purpose] + (f" (“{rule.action}”)" if rule.action else "")


def _undecided(seen: Measurement | None, reason: str) -> Ruling:
    return Ruling(Outcome.INCONCLUSIVE, Severity.NONE, seen, None, reason, said="nothing")


def _measurement(rule: TimedRule, measure: Sli, readings: Sequence[Reading], cut: Windowing) -> Measurement | None:
    """The window that came closest to firing, or went farthest."""
    values = [each.value for each in readings if each.value is not None]
    if not values:
        return None
    return Measurement(
        sli=rule.sli,
        value=max(values) if rule.fires is Fires.ABOVE else min(values),
        unit=rule.threshold.unit,  # the SLI's, or of a number of the system's own the one that it is bounded in
        n=len(values),
        bad=sum(bool(each.holds) for each in readings),
        gap_ratio=sum(each.holds is None for each in readings) / len(readings),
        method=f"{_extreme_name(rule)} of the windows of {duration_words(cut.window_seconds)}",
    )


def _extreme(rule: TimedRule, seen: Measurement | None) -> str:
    if seen is None:
        return ""
    return f" ({_extreme_name(rule)} {format_quantity(float(f'{seen.value:.3g}'), seen.unit)})"


def _extreme_name(rule: TimedRule) -> str:
    return "highest" if rule.fires is Fires.ABOVE else "lowest"


def _longest(readings: Sequence[Reading]) -> int:
    """The longest row of windows in which the condition held; unknown ones neither break nor lengthen it."""
    known = [each.holds for each in readings if each.holds is not None]
    return max((len(list(row)) for holds, row in groupby(known) if holds), default=0)


def _last(readings: Sequence[Reading]) -> int:
    """The row that was not over when the phase ended."""
    known = [each.holds for each in readings if each.holds is not None]
    return next((index for index, holds in enumerate(reversed(known)) if not holds), len(known))
