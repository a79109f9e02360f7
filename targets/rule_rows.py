"""From what a plan says of its rules to what a run judges."""

from __future__ import annotations

from harness.model.figure import Figure, Provenance
from harness.model.rule import BandRule, Fires, Purpose, Rule, TimedRule, UptimeRule
from harness.model.slo import SloKind
from harness.model.target import PlannedRule
from harness.model.units import Unit
from harness.model.verdict import Severity
from targets.vocabulary import Sli, find_sli

UPTIME_SLI = "request_success_ratio"
"""What a run can say of an uptime."""
NO_DURATION = "the plan names no duration: the first window of 10 s across the threshold fires"
_WINDOWED = frozenset({SloKind.QUANTILE, SloKind.GAUGE, SloKind.PROPORTION, SloKind.THROUGHPUT})
_WHOLE_LEVEL = ("jobs_finished_ratio",)
"""Shares that are only known of a whole level, not of a window."""


def judged_rule(planned: PlannedRule) -> Rule | None:
    """The rule as a run judges it; None when nothing measures what it speaks of (no ``sli``).

    Raises ValueError, with what to write instead, when it does not fit its SLI.
    """
    sli = find_sli(planned.sli)
    if sli is None:
        return None
    numbers = {figure.name: figure for figure in planned.numbers}
    levels = tuple(str(level) for level in planned.levels)
    match planned.purpose:
        case "uptime":
            return _uptime(planned, numbers, levels)
        case "band":
            return _band(planned, sli, numbers, levels)
        case purpose:
            return _timed(planned, sli, Purpose(purpose), numbers, levels)


def _timed(
    planned: PlannedRule, sli: Sli, purpose: Purpose, numbers: dict[str, Figure], levels: tuple[str, ...]
) -> TimedRule:
    threshold = numbers.get("above") or numbers["below"]
    if not _WINDOWED & set(sli.kinds) or sli.name in _WHOLE_LEVEL:
        raise ValueError(f"{sli.name} has no value for each window of time; write an SLO")
    if sli.unit is not None and threshold.unit is not sli.unit:
        raise ValueError(f"the threshold is in {threshold.unit}, but {sli.name} is in {sli.unit}")
    if threshold.high is not None:
        raise ValueError('the threshold is a range; write one value, or purpose = "band"')
    quantile = numbers.get("quantile")
    needs = SloKind.QUANTILE in sli.kinds
    if needs != (quantile is not None):
        wanted = 'needs a quantile, such as quantile = "95 %"' if needs else "takes no quantile"
        raise ValueError(f"{sli.name} {wanted}")
    if quantile is not None and not (quantile.unit is Unit.RATIO and 0 < quantile.value < 1):
        raise ValueError('a quantile lies between 0 % and 100 %; write "95 %"')
    beside = find_sli(planned.only_with)
    if beside is not None and SloKind.GAUGE not in beside.kinds:
        raise ValueError(f"only_with takes a sampled series; {planned.only_with} is none")
    duration = numbers.get("for")
    if duration is None:
        duration = Figure("for", 0.0, Unit.SECONDS, Provenance.ASSUMED, planned.citation, None, NO_DURATION)
    return TimedRule(
        planned.id,
        planned.title,
        planned.sli,
        Fires.ABOVE if "above" in numbers else Fires.BELOW,
        threshold,
        duration,
        purpose,
        Severity(planned.severity),
        levels,
        planned.citation,
        None if quantile is None else quantile.value,
        planned.only_with,
        planned.action,
    )


def _band(planned: PlannedRule, sli: Sli, numbers: dict[str, Figure], levels: tuple[str, ...]) -> BandRule:
    target = numbers["target"]
    if SloKind.GAUGE not in sli.kinds:
        raise ValueError(f"a band is for a sampled series; {sli.name} is none")
    if target.high is None:
        raise ValueError('a band is a range; write target = "50-70 %"')
    low, high = numbers.get("over_below", target), numbers.get("under_above")
    unit = sli.unit or target.unit
    if any(figure.unit is not unit for figure in (target, low, high or target)):
        raise ValueError(f"{sli.name} is in {unit}; write the band and its edges in it")
    if high is None:
        high = Figure("under_above", target.high, target.unit, target.provenance, target.citation, None, target.note)
    if low.value > target.value or high.value < target.high:
        raise ValueError("the band lies between over_below and under_above")
    return BandRule(planned.id, planned.title, planned.sli, target, low, high, levels, planned.citation)


def _uptime(planned: PlannedRule, numbers: dict[str, Figure], levels: tuple[str, ...]) -> UptimeRule:
    least = numbers["uptime"]
    if planned.sli != UPTIME_SLI:
        raise ValueError(f'an uptime is held against sli = "{UPTIME_SLI}"')
    if least.unit is not Unit.RATIO or not 0 < least.value < 1 or least.high is not None:
        raise ValueError('an uptime lies between 0 % and 100 %; write "99.9 %"')
    return UptimeRule(planned.id, planned.title, planned.sli, least, levels, planned.citation)
