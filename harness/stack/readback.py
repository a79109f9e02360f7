"""What the running servers say of themselves, held against what the stage asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.errors import LimitsMismatch
from harness.model.run import ReadBack
from harness.model.units import Unit, format_quantity


def compare(
    component: str,
    setting: str,
    wanted: float | str,
    effective: float | str | None,
    *,
    unit: str = "",
    note: str = "",
) -> ReadBack:
    """One setting that has to agree. effective None: the server does not say, which does not agree."""
    if isinstance(wanted, (int, float)) and isinstance(effective, (int, float)):
        matches = math.isclose(wanted, effective, rel_tol=1e-6)
    else:
        matches = wanted == effective
    return ReadBack(component, setting, _text(wanted, unit), _text(effective, unit), matches, note)


def recorded(
    component: str, setting: str, effective: float | str | None, *, wanted: str = "", unit: str = "", note: str = ""
) -> ReadBack:
    """One setting that is written down and compared with nothing."""
    return ReadBack(component, setting, wanted, _text(effective, unit), None, note)


def _text(value: float | str | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if unit == "bytes":
        return format_quantity(value, Unit.BYTES)
    return f"{value:g} {unit}".rstrip()


def numbered(place: int, rows: Iterable[ReadBack]) -> Iterator[ReadBack]:
    """The rows of one of several servers alike; the first keeps the plain name."""
    for row in rows:
        yield row if place == 1 else replace(row, component=f"{row.component} {place}")


def require_matches(rows: Iterable[ReadBack]) -> None:
    """Raise LimitsMismatch that lists every row that does not agree."""
    wrong = [row for row in rows if row.matches is False]
    if wrong:
        raise LimitsMismatch(
            "the stack came up with another size than the stage's",
            [f"{row.component} › {row.setting}: wanted {row.wanted}, is {row.effective}" for row in wrong],
            "the servers' logs are in the run's folder logs",
        )
