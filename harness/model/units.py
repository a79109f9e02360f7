"""Quantities with units, as people write them and as people read them.

Inside, everything is in base units: seconds, bytes, per second, ratio (1 = 100 %), cores. Milliseconds and percent
exist only in what people write and read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """The base units."""

    COUNT = "count"
    SECONDS = "seconds"
    BYTES = "bytes"
    PER_SECOND = "per_second"
    PER_DAY = "per_day"
    RATIO = "ratio"
    CORES = "cores"
    USD_PER_MONTH = "usd_per_month"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in a base unit, or a range from value to high."""

    value: float
    unit: Unit
    high: float | None = None


_KIB = 1024
_SCALES: dict[str, tuple[float, Unit]] = {
    "count": (1, Unit.COUNT),
    "us": (1e-6, Unit.SECONDS),
    "ms": (1e-3, Unit.SECONDS),
    "s": (1, Unit.SECONDS),
    "min": (60, Unit.SECONDS),
    "h": (3600, Unit.SECONDS),
    "B": (1, Unit.BYTES),
    "KiB": (_KIB, Unit.BYTES),
    "MiB": (_KIB**2, Unit.BYTES),
    "GiB": (_KIB**3, Unit.BYTES),
    "TiB": (_KIB**4, Unit.BYTES),
    "KB": (1e3, Unit.BYTES),
    "MB": (1e6, Unit.BYTES),
    "GB": (1e9, Unit.BYTES),
    "TB": (1e12, Unit.BYTES),
    "/s": (1, Unit.PER_SECOND),
    "/min": (1 / 60, Unit.PER_SECOND),
    "/h": (1 / 3600, Unit.PER_SECOND),
    "/day": (1, Unit.PER_DAY),
    "%": (0.01, Unit.RATIO),
    "vCPU": (1, Unit.CORES),
    "USD/month": (1, Unit.USD_PER_MONTH),
}
_NUMBER = r"[0-9][0-9,_]*(?:\.[0-9]+)?"
_QUANTITY = re.compile(rf"^\s*({_NUMBER})(?:\s*[-–]\s*({_NUMBER}))?\s*([A-Za-z/%]+)\s*$")


def parse_quantity(text: str) -> Quantity:
    """Parse ``"80/s"``, ``"1 GiB"``, ``"500 ms"``, ``"70 %"``, ``"50-80/s"`` or ``"3,000 count"``.

    Raises ValueError with a sentence that says what to write instead.
    """
    match = _QUANTITY.match(text)
    if match is None:
        if re.fullmatch(rf"\s*{_NUMBER}\s*", text):
            bare = text.strip()
            raise ValueError(f'"{text}" has no unit; write "{bare}/s", "{bare} ms", "{bare} count"…')
        if text.lstrip().startswith("-"):
            raise ValueError(f'"{text}" is negative')
        raise ValueError(f'"{text}" is not a quantity; write a number and a unit, such as "80/s" or "1 GiB"')
    low, high, unit_text = match.groups()
    if unit_text not in _SCALES:
        raise ValueError(f'"{text}": unknown unit "{unit_text}"; known are {", ".join(_SCALES)}')
    scale, unit = _SCALES[unit_text]
    value = _scaled(low, scale)
    upper = None if high is None else _scaled(high, scale)
    if upper is not None and upper < value:
        raise ValueError(f'"{text}": the range runs backwards')
    return Quantity(value, unit, upper)


def _scaled(text: str, scale: float) -> float:
    """Without the dust of binary fractions: 95 % is 0.95, not 0.9500000000000001, which would reach every report."""
    return float(f"{float(text.replace(',', '').replace('_', '')) * scale:.15g}")


def format_quantity(value: float, unit: Unit) -> str:
    """A value as a person reads it: ``74 ms``, ``1.3 GiB``, ``80.1/s``, ``41 %``."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    match unit:
        case Unit.SECONDS:
            return _format_seconds(value)
        case Unit.BYTES:
            return _format_bytes(value)
        case Unit.PER_SECOND:
            return _format_rate(value)
        case Unit.PER_DAY:
            return f"{_short(value)}/day"
        case Unit.RATIO:
            return f"{_percent(round(value * 100, 9))} %"
        case Unit.CORES:
            return f"{_short(value)} CPU"
        case Unit.USD_PER_MONTH:
            return f"${_short(value)}/month"
        case Unit.COUNT:
            return _short(value)


def _short(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{value:.3g}"


def _percent(value: float) -> str:
    """Two digits below 1 %; and what is not quite all is never called 100 %."""
    if 99.95 <= value < 100:
        return f"{math.floor(value * 100) / 100:.2f}"
    if 0 < value < 0.001:
        return "<0.001"
    return _short(value) if abs(value) >= 1 or not value else f"{value:.2g}"


def _format_rate(value: float) -> str:
    if value <= 0 or value >= 0.1:
        return f"{_short(value)}/s"
    per_minute = round(value * 60, 6)
    return f"{_short(per_minute)}/min" if per_minute >= 1 else f"{_short(round(value * 3600, 6))}/h"


def _format_seconds(value: float) -> str:
    if value >= 7200:
        return f"{int(value // 3600)}:{int(value % 3600 // 60):02d} h"
    if value >= 120:
        return f"{int(value // 60)}:{int(value % 60):02d} min"
    if value >= 1:
        return f"{_short(value)} s"
    milliseconds = value * 1000
    if 0 < milliseconds < 0.1:
        return f"{milliseconds * 1000:.2g} µs"
    if not value:
        return "0 s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"


def _format_bytes(value: float) -> str:
    for name, size in (("GiB", _KIB**3), ("MiB", _KIB**2), ("KiB", _KIB)):
        if value >= size:
            return f"{_short(value / size)} {name}"
    return f"{_short(value)} B"
