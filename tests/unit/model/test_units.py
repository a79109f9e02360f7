"""Quantities as people write and read them."""

from __future__ import annotations

import pytest

from harness.model.units import Quantity, Unit, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("80/s", Quantity(80, Unit.PER_SECOND)),
        ("50-80/s", Quantity(50, Unit.PER_SECOND, 80)),
        ("1 GiB", Quantity(1024**3, Unit.BYTES)),
        ("500 ms", Quantity(0.5, Unit.SECONDS)),
        ("70 %", Quantity(0.7, Unit.RATIO)),
        ("3,000 count", Quantity(3000, Unit.COUNT)),
        ("500 users", Quantity(500, Unit.COUNT)),
        ("5-10 x", Quantity(5, Unit.FACTOR, 10)),
        ("500/min", Quantity(500 / 60, Unit.PER_SECOND)),
        ("16 kHz", Quantity(16_000, Unit.PER_SECOND)),
        ("3 days", Quantity(259_200, Unit.SECONDS)),
        ("2 weeks", Quantity(1_209_600, Unit.SECONDS)),
        ("6-9 months", Quantity(6, Unit.MONTHS, 9)),
        ("3 years", Quantity(36, Unit.MONTHS)),
        ("50K/month", None),
        ("50,000/month", Quantity(50_000, Unit.PER_MONTH)),
        ("20 Mbps", Quantity(2.5e6, Unit.BYTES_PER_SECOND)),
        ("1 GB/day", Quantity(1e9, Unit.BYTES_PER_DAY)),
        ("20 TB/month", Quantity(2e13, Unit.BYTES_PER_MONTH)),
        ("150 USD", Quantity(150, Unit.USD)),
        ("1.14 USD/year", Quantity(1.14, Unit.USD_PER_YEAR)),
        ("$", None),
        ("80", None),
        ("-80/s", None),
        ("80-50/s", None),
        ("80 furlongs", None),
    ],
)
def test_a_quantity_has_a_number_and_a_known_unit(text: str, quantity: Quantity | None) -> None:
    if quantity is None:
        with pytest.raises(ValueError, match=r"write|negative|unknown unit|backwards"):
            parse_quantity(text)
    else:
        parsed = parse_quantity(text)
        assert parsed.unit is quantity.unit
        assert parsed.value == pytest.approx(quantity.value)
        assert parsed.high == quantity.high


@pytest.mark.parametrize(("text", "value"), [("95 %", 0.95), ("70 %", 0.7), ("1.1 TiB", 1.1 * 1024**4)])
def test_a_value_is_exact(text: str, value: float) -> None:
    assert parse_quantity(text).value == value


def test_a_bare_number_is_told_how_to_get_a_unit() -> None:
    with pytest.raises(ValueError, match='"80" has no unit; write "80/s"'):
        parse_quantity("80")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.074, Unit.SECONDS, "74 ms"),
        (0.0012, Unit.SECONDS, "1.2 ms"),
        (1.9, Unit.SECONDS, "1.9 s"),
        (190, Unit.SECONDS, "3:10 min"),
        (1.3 * 1024**3, Unit.BYTES, "1.3 GiB"),
        (36_000, Unit.SECONDS, "10:00 h"),
        (80.1, Unit.PER_SECOND, "80.1/s"),
        (0.0, Unit.PER_SECOND, "0/s"),
        (1 / 60, Unit.PER_SECOND, "1/min"),
        (20 / 3600, Unit.PER_SECOND, "20/h"),
        (0.41, Unit.RATIO, "41 %"),
        (0.45999, Unit.RATIO, "46 %"),
        (0.346, Unit.RATIO, "34.6 %"),
        (0.000655, Unit.RATIO, "0.066 %"),
        (0.0000001, Unit.RATIO, "<0.001 %"),
        (0.9996, Unit.RATIO, "99.96 %"),
        (0.9999999, Unit.RATIO, "99.99 %"),
        (1 - 1e-16, Unit.RATIO, "100 %"),
        (1.0, Unit.RATIO, "100 %"),
        (0.0, Unit.RATIO, "0 %"),
        (0.0, Unit.SECONDS, "0 s"),
        (0.0000012, Unit.SECONDS, "1.2 µs"),
        (4.96, Unit.SECONDS, "5 s"),
        (3000, Unit.COUNT, "3,000"),
        (7.5, Unit.FACTOR, "7.5×"),
        (1, Unit.MONTHS, "1 month"),
        (36, Unit.MONTHS, "36 months"),
        (50_000, Unit.PER_MONTH, "50,000/month"),
        (10_000, Unit.PER_DAY, "10,000/day"),
        (2.5e6, Unit.BYTES_PER_SECOND, "20 Mbps"),
        (1.25e9, Unit.BYTES_PER_SECOND, "10 Gbps"),
        (64e3 / 8, Unit.BYTES_PER_SECOND, "64 Kbps"),
        (1e9, Unit.BYTES_PER_DAY, "1 GB/day"),
        (2e13, Unit.BYTES_PER_MONTH, "20 TB/month"),
        (3e8, Unit.BYTES_PER_MONTH, "300 MB/month"),
        (2_315, Unit.USD_PER_MONTH, "$2,315/month"),
        (0.095, Unit.USD_PER_MONTH, "$0.095/month"),
        (1.14, Unit.USD_PER_YEAR, "$1.14/year"),
        (150, Unit.USD, "$150"),
        (float("nan"), Unit.COUNT, "–"),
    ],
)
def test_a_value_is_read_with_its_unit(value: float, unit: Unit, text: str) -> None:
    assert format_quantity(value, unit) == text
