"""A matrix of what is judged × level, as the report shows it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Cell:
    """One SLO at one level. warning: "warning" where it is broken, "warning undecided" where it may be, else empty.

    details: (what, words) of what lies behind it.
    """

    outcome: Outcome
    warning: str
    value: str
    bound: str
    reason: str
    details: tuple[tuple[str, str], ...]
    citation: str


@dataclass(frozen=True, slots=True)
class Row:
    """One SLO at every level; None where it promises nothing."""

    title: str
    bound: str
    note: str
    cells: tuple[Cell | None, ...]
