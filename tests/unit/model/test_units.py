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
        (float("nan"), Unit.COUNT, "–"),
    ],
)
def test_a_value_is_read_with_its_unit(value: float, unit: Unit, text: str) -> None:
    assert format_quantity(value, unit) == text
