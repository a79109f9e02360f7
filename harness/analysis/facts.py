"""Facts against a bound: counts, and the way back after 3x-peak."""

from __future__ import annotations

from harness.analysis.intervals import korn_graubard
from harness.analysis.observations import Comeback, Fact
from harness.analysis.tested import AT_LEAST_THIS, State, Tested, against
from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Slo
from harness.model.units import Unit, format_quantity

COUNTED = "counted"
"""The method of what needs no statistics: its n says nothing."""


def hold_fact(slo: Slo, seen: Fact, bound: Figure) -> Tested:
    """A count of things that may not happen."""
    measurement = Measurement(slo.sli, seen.count, Unit.COUNT, n=1, method=COUNTED)
    return Tested(against(slo, seen.count, bound), measurement, seen.detail, proven=True)


def hold_comeback(slo: Slo, seen: Comeback, bound: Figure, alpha: float) -> Tested:
    """The time until the system is back; censored when it was not within what was watched."""
    found = seen.recovery
    limit = format_quantity(bound.value, Unit.SECONDS)
    took = seen.last_bad_seconds if found.seconds is None else found.seconds
    measurement = Measurement(
        sli=slo.sli,
        value=took,
        unit=Unit.SECONDS,
        n=len(seen.later),
        bad=round(found.bad_seconds),
        method=seen.rule
        + (f"; {AT_LEAST_THIS}: it was not back when the watch ended" if found.seconds is None else ""),
    )
    later = seen.later[int(bound.value) :]
    batches = [tuple(map(sum, zip(*later[at : at + 3], strict=True))) for at in range(0, len(later), 3)]
    proven = bool(batches) and korn_graubard([(k, n) for k, n in batches], alpha).lower > seen.allowed
    if found.seconds is not None:
        when = f"{format_quantity(took, Unit.SECONDS)} after" if took else "as soon as"
        words = f"back within the normal level's bound {when} the load fell"
        return Tested(against(slo, took, bound), measurement, f"{words}, {limit} allowed", proven=proven)
    words = (
        f"not back: still bad {format_quantity(took, Unit.SECONDS)} after the load fell, "
        f"{format_quantity(found.observed_seconds, Unit.SECONDS)} watched"
    )
    # What is still bad after the bound has not come back within it, however long one had gone on watching.
    state = State.BROKEN if took > bound.value else State.UNDECIDED
    return Tested(state, measurement, f"{words}, {limit} allowed", "a longer recovery level is needed", proven)
