"""From values to places on a chart, with ticks that people read easily. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.model.units import Unit, format_quantity

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight or logarithmic scale from [low, high] in values to [start, end] on the chart."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise ValueError("a scale needs a range")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic scale begins above zero")

    def __call__(self, value: float) -> float:
        """The place of a value; beyond the ends it stays at the end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            ratio = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            ratio = (value - self.low) / (self.high - self.low)
        return self.start + ratio * (self.end - self.start)


def linear_ticks(high: float, unit: Unit, wanted: int = 4) -> tuple[float, ...]:
    """From 0 to at least ``high`` in steps of 1, 2, 2.5 or 5 × 10ⁿ (bytes: of 2ⁿ), about ``wanted`` of them."""
    if high <= 0:
        return (0.0, 1.0)
    rough = high / wanted
    if unit is Unit.BYTES and high >= _KIB:
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        magnitude = 10.0 ** math.floor(math.log10(rough))
        whole = unit is Unit.COUNT
        steps = (1, 2, 5, 10) if whole and magnitude <= 1 else (1, 2, 2.5, 5, 10)
        step = next(s * magnitude for s in steps if s * magnitude >= rough * 0.999)
        if whole:
            step = max(1.0, step)
    count = math.ceil(high / step - 1e-9)
    return tuple(round(index * step, 10) for index in range(count + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten that enclose [low, high]."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(math.ceil(math.log10(high) - 1e-9), first + 1)
    return tuple(10.0**power for power in range(first, last + 1))


def time_ticks(start: float, end: float, wanted: int = 9) -> tuple[float, ...]:
    """Round times within [start, end], in seconds."""
    rough = (end - start) / wanted
    steps = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if s >= rough), 7200)
    return tuple(float(t) for t in range(math.ceil(start / step) * step, math.floor(end + 1e-9) + 1, step))


def format_tick(value: float, unit: Unit) -> str:
    """A tick's words; zero needs no unit."""
    return "0" if value == 0 else format_quantity(value, unit)


def format_clock(seconds: float) -> str:
    """Time since the start of the load, as m:ss."""
    sign = "−" if seconds < -0.5 else ""
    whole = abs(round(seconds))
    return f"{sign}{whole // 60}:{whole % 60:02d}"
