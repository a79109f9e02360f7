"""Quantities with units, as people write them and as people read them.

Inside, everything is in base units: seconds, bytes, per second, ratio (1 = 100 %), cores. Milliseconds and percent
exist only in what people write and read. A calendar's months are units of their own, since no number of seconds is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
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
    FACTOR = "factor"
    PER_MONTH = "per_month"
    BYTES_PER_SECOND = "bytes_per_second"
    BYTES_PER_DAY = "bytes_per_day"
    BYTES_PER_MONTH = "bytes_per_month"
    MONTHS = "months"
    USD = "usd"
    USD_PER_YEAR = "usd_per_year"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in a base unit, or a range from value to high."""

    value: float
    unit: Unit
    high: float | None = None


_KIB = 1024
_SCALES: dict[str, tuple[float, Unit]] = {
    "count": (1, Unit.COUNT),
    "users": (1, Unit.COUNT),
    "x": (1, Unit.FACTOR),
    "us": (1e-6, Unit.SECONDS),
    "ms": (1e-3, Unit.SECONDS),
    "s": (1, Unit.SECONDS),
    "min": (60, Unit.SECONDS),
    "h": (3600, Unit.SECONDS),
    "days": (86_400, Unit.SECONDS),
    "weeks": (7 * 86_400, Unit.SECONDS),
    "months": (1, Unit.MONTHS),
    "years": (12, Unit.MONTHS),
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
    "/month": (1, Unit.PER_MONTH),
    "Hz": (1, Unit.PER_SECOND),
    "kHz": (1e3, Unit.PER_SECOND),
    "Kbps": (1e3 / 8, Unit.BYTES_PER_SECOND),
    "Mbps": (1e6 / 8, Unit.BYTES_PER_SECOND),
    "Gbps": (1e9 / 8, Unit.BYTES_PER_SECOND),
    "MB/s": (1e6, Unit.BYTES_PER_SECOND),
    "MB/day": (1e6, Unit.BYTES_PER_DAY),
    "GB/day": (1e9, Unit.BYTES_PER_DAY),
    "TB/day": (1e12, Unit.BYTES_PER_DAY),
    "MB/month": (1e6, Unit.BYTES_PER_MONTH),
    "GB/month": (1e9, Unit.BYTES_PER_MONTH),
    "TB/month": (1e12, Unit.BYTES_PER_MONTH),
    "%": (0.01, Unit.RATIO),
    "vCPU": (1, Unit.CORES),
    "USD": (1, Unit.USD),
    "USD/month": (1, Unit.USD_PER_MONTH),
    "USD/year": (1, Unit.USD_PER_YEAR),
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
    return _WRITTEN[unit](value)


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


def _dollars(value: float) -> str:
    """Cents below ten dollars, and what a user costs to a tenth of a cent."""
    if value == int(value) or value >= 10:
        return f"${_short(value)}"
    return f"${value:.2f}" if value >= 1 else f"${value:.3g}"


def _format_bits_per_second(bits: float) -> str:
    """Networks are sold in bits and powers of ten."""
    for name, size in (("Gbps", 1e9), ("Mbps", 1e6)):
        if bits >= size:
            return f"{_short(bits / size)} {name}"
    return f"{_short(bits / 1e3)} Kbps"


def _format_decimal_bytes(value: float) -> str:
    """Traffic is billed in powers of ten."""
    for name, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= size:
            return f"{_short(value / size)} {name}"
    return f"{_short(value)} B"


def _format_bytes(value: float) -> str:
    for name, size in (("GiB", _KIB**3), ("MiB", _KIB**2), ("KiB", _KIB)):
        if value >= size:
            return f"{_short(value / size)} {name}"
    return f"{_short(value)} B"


def _format_months(value: float) -> str:
    return f"{_short(value)} month" if value == 1 else f"{_short(value)} months"


_WRITTEN: dict[Unit, Callable[[float], str]] = {
    Unit.COUNT: _short,
    Unit.SECONDS: _format_seconds,
    Unit.BYTES: _format_bytes,
    Unit.PER_SECOND: _format_rate,
    Unit.PER_DAY: lambda value: f"{_short(value)}/day",
    Unit.RATIO: lambda value: f"{_percent(round(value * 100, 9))} %",
    Unit.CORES: lambda value: f"{_short(value)} CPU",
    Unit.USD_PER_MONTH: lambda value: f"{_dollars(value)}/month",
    Unit.FACTOR: lambda value: f"{_short(value)}×",
    Unit.PER_MONTH: lambda value: f"{_short(value)}/month",
    Unit.BYTES_PER_SECOND: lambda value: _format_bits_per_second(value * 8),
    Unit.BYTES_PER_DAY: lambda value: f"{_format_decimal_bytes(value)}/day",
    Unit.BYTES_PER_MONTH: lambda value: f"{_format_decimal_bytes(value)}/month",
    Unit.MONTHS: _format_months,
    Unit.USD: _dollars,
    Unit.USD_PER_YEAR: lambda value: f"{_dollars(value)}/year",
}
