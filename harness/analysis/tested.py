"""What the evidence says of one bound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Comparison, Slo
from harness.model.units import Unit, format_quantity

AT_LEAST_THIS = "the value is a lower limit"
"""In a measurement's method: what was measured was not seen to its end."""
ON_THE_BOUND = "it lies on the bound: no longer run would help"


class State(StrEnum):
    """What the evidence says of one bound."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Tested:
    """One bound. words: what was found. needed: what would decide it. proven: broken even at 5 % ÷ number of cells.
    admitted: broken by what the system itself admitted, whatever the generator did; admitted_proven: and so
    even at 5 % ÷ number of cells. overlaps: undecided because the
    interval holds the bound, not for want of anything else."""

    state: State
    measurement: Measurement
    words: str
    needed: str = ""
    proven: bool = False
    admitted: bool = False
    admitted_proven: bool = False
    overlaps: bool = False


def against(slo: Slo, value: float, bound: Figure) -> State:
    """A value that needs no statistics."""
    kept = value <= bound.value if slo.comparison is Comparison.AT_MOST else value >= bound.value
    return State.KEPT if kept else State.BROKEN


def is_lower_limit(measurement: Measurement) -> bool:
    """Whether the value is at least so much, but nobody saw how much."""
    return AT_LEAST_THIS in measurement.method


def percent(share: float, beside: float | None = None) -> str:
    """A share with two digits: ``1.2 %``; with more where two would make it all of them, or ``beside`` another share
    that it is held against and is not."""
    rounded = float(f"{share:.2g}")
    if (rounded == 1 != share) or (beside is not None and share != beside and rounded == float(f"{beside:.2g}")):
        return f"{share * 100:.4g} %" if rounded != 1 else format_quantity(share, Unit.RATIO)
    return format_quantity(rounded, Unit.RATIO)


def quantile_name(slo: Slo) -> str:
    """``p95``; empty without a quantile."""
    return "" if slo.quantile is None else f"p{slo.quantile * 100:.4g}"
