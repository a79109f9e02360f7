"""What the evidence says of one bound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Comparison, Slo
from harness.model.units import Unit, format_quantity

ON_THE_BOUND = "it lies on the bound: no longer run would help"


class State(StrEnum):
    """What the evidence says of one bound."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Tested:
    """One bound. words: what was found. needed: what would decide it. proven: broken even at 5 % ÷ number of cells.
    admitted: broken by what the system itself admitted, whatever the generator did."""

    state: State
    measurement: Measurement
    words: str
    needed: str = ""
    proven: bool = False
    admitted: bool = False


def against(slo: Slo, value: float, bound: Figure) -> State:
    """A value that needs no statistics."""
    kept = value <= bound.value if slo.comparison is Comparison.AT_MOST else value >= bound.value
    return State.KEPT if kept else State.BROKEN


def percent(share: float) -> str:
    """A share with two digits: ``1.2 %``."""
    return format_quantity(float(f"{share:.2g}"), Unit.RATIO)


def quantile_name(slo: Slo) -> str:
    """``p95``; empty without a quantile."""
    return "" if slo.quantile is None else f"p{slo.quantile * 100:.4g}"
