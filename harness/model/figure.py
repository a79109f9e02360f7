"""A number or a sentence of a plan, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.units import Unit, format_quantity


class Provenance(StrEnum):
    """How far a figure is the plan's own."""

    STATED = "stated"
    """The plan says it."""
    DERIVED = "derived"
    """Computed from what the plan says; the note holds the arithmetic."""
    ASSUMED = "assumed"
    """The plan is silent; the note holds the reason."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a plan: the document's file name, the section's heading path, and its words."""

    document: str
    section: str
    quote: str = ""

    def __str__(self) -> str:
        return f"{self.document} › {self.section}" + (f": “{self.quote}”" if self.quote else "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a plan, in base units; a range runs from ``value`` to ``high``."""

    name: str
    value: float
    unit: Unit
    provenance: Provenance
    citation: Citation
    high: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.provenance is not Provenance.STATED and not self.note:
            raise ValueError(f"{self.name}: a {self.provenance} figure needs a note: its arithmetic or its reason")
        if self.high is not None and self.high < self.value:
            raise ValueError(f"{self.name}: the range runs backwards")

    @property
    def top(self) -> float:
        """The upper end of a range, else the value."""
        return self.value if self.high is None else self.high

    def __str__(self) -> str:
        text = format_quantity(self.value, self.unit)
        if self.high is not None:
            text += f" to {format_quantity(self.high, self.unit)}"
        return text if self.provenance is Provenance.STATED else f"{text} ({self.provenance})"


@dataclass(frozen=True, slots=True)
class Statement:
    """Words of a plan that are no number: a bottleneck, a migration step, a recommendation."""

    text: str
    citation: Citation
