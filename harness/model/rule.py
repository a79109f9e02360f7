"""Rules of a plan that are no bounds: thresholds that must be crossed for so long, utilisation targets, uptime."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from harness.model.figure import Citation, Figure
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Severity

WINDOW_SECONDS = 10.0
"""A rule is evaluated once in so long, on windows that begin with the measure phase (methodology §4)."""
LEAST_EVENTS = 20
"""A window with fewer events says nothing."""
PLANNED_EVENTS = 30
"""So many are to be expected in a window, for it to hold the least nearly always."""


@dataclass(frozen=True, slots=True)
class Windowing:
    """How a duration is cut: the rule fires after so many windows in a row."""

    window_seconds: float
    consecutive: int

    @property
    def seconds(self) -> float:
        """How long a measure phase it takes to complete the rule."""
        return self.window_seconds * self.consecutive


def duration_words(seconds: float) -> str:
    """A duration as a plan writes it: ``90 s``, ``5 min``, ``1 h``; else as any other time."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s" if seconds < 120 and seconds == round(seconds) else format_quantity(seconds, Unit.SECONDS)


def windowing(duration_seconds: float, events_per_second: float | None = None) -> Windowing:
    """Windows of 10 s; where too few events come for those, the duration is cut into fewer and wider ones.

    events_per_second: of the SLI at that level; None for a sampled series.
    """
    window = WINDOW_SECONDS
    if events_per_second and events_per_second * WINDOW_SECONDS < PLANNED_EVENTS:
        least = PLANNED_EVENTS / events_per_second
        parts = math.floor(duration_seconds / least)
        window = float(math.ceil(duration_seconds / parts if parts else least))
    return Windowing(window, max(1, math.ceil(duration_seconds / window - 1e-9)))


class Fires(StrEnum):
    """On which side of its threshold a rule fires."""

    ABOVE = "above"
    BELOW = "below"

    @property
    def sign(self) -> str:
        """For people: > or <."""
        return ">" if self is Fires.ABOVE else "<"


class Purpose(StrEnum):
    """What the plan does when a rule fires."""

    SCALE_UP = "scale-up"
    """It adds capacity: the stage does not carry that load by itself."""
    SCALE_DOWN = "scale-down"
    """It takes capacity away: the stage is larger than that load needs."""
    ALERT = "alert"
    """It calls somebody."""


@dataclass(frozen=True, slots=True)
class TimedRule:
    """A threshold that must be crossed for so long: "CPU > 70 % for 5 minutes".

    sli: a name in ``analysis.slis.SLIS``. duration: in seconds; 0 when the plan names none: the first window over the
    threshold fires. severity: of its firing, for scale-up and alert; a critical rule that fires is a FAIL.
    quantile: for response times, such as 0.95. only_with: an SLI that must be above 0 in the same windows ("with
    evictions"); empty without. levels: where it is judged. action: what the plan does then, in its own words.
    """

    id: str
    title: str
    sli: str
    fires: Fires
    threshold: Figure
    duration: Figure
    purpose: Purpose
    severity: Severity
    levels: tuple[str, ...]
    citation: Citation
    quantile: float | None = None
    only_with: str = ""
    action: str = ""
    kind: Literal["timed"] = "timed"

    def __post_init__(self) -> None:
        if self.severity is Severity.NONE:
            raise ValueError(f"{self.id}: a rule that fires is a warning or critical")

    @property
    def condition(self) -> str:
        """As people read it: ``p95 > 1 s for 3 min``."""
        name = "" if self.quantile is None else f"p{self.quantile * 100:.4g} "
        words = f"{name}{self.fires.sign} {format_quantity(self.threshold.value, self.threshold.unit)}"
        words += f" with {self.only_with.replace('_', ' ')}" if self.only_with else ""
        lasting = self.duration.value
        return f"{words} for {duration_words(lasting)}" if lasting else words


@dataclass(frozen=True, slots=True)
class BandRule:
    """A utilisation target: "CPU 50-70 %; below 30 % over-provisioned, above 80 % under-provisioned".

    target: the range. over_below, under_above: where the plan would act, else the ends of the range.
    """

    id: str
    title: str
    sli: str
    target: Figure
    over_below: Figure
    under_above: Figure
    levels: tuple[str, ...]
    citation: Citation
    kind: Literal["band"] = "band"

    def __post_init__(self) -> None:
        if not self.over_below.value <= self.target.value <= self.target.top <= self.under_above.value:
            raise ValueError(f"{self.id}: the target lies between over- and under-provisioned")

    @property
    def condition(self) -> str:
        """As people read it: ``50 % to 70 %``."""
        target = self.target
        return f"{format_quantity(target.value, target.unit)} to {format_quantity(target.top, target.unit)}"


@dataclass(frozen=True, slots=True)
class UptimeRule:
    """An uptime such as 99.9 %: what a run can say of it is the share of requests that it answered well.

    least: the promised share.
    """

    id: str
    title: str
    sli: str
    least: Figure
    levels: tuple[str, ...]
    citation: Citation
    kind: Literal["uptime"] = "uptime"

    def __post_init__(self) -> None:
        if not 0 < self.least.value < 1:
            raise ValueError(f"{self.id}: an uptime lies between 0 % and 100 %")

    @property
    def condition(self) -> str:
        """As people read it: ``≥ 99.9 %``."""
        return f"≥ {format_quantity(self.least.value, self.least.unit)}"


Rule = TimedRule | BandRule | UptimeRule
