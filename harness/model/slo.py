"""Bounds on what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.figure import Citation, Figure

PAINT_SLI = "first_contentful_paint_seconds"
LOAD_SLI = "page_load_seconds"
PAGE_SLIS = (PAINT_SLI, LOAD_SLI)
"""What a browser sees of the system's page: they need one, and a stage that asks for neither needs none."""


class Comparison(StrEnum):
    """Which side of the bound is good."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"

    @property
    def sign(self) -> str:
        """For people: ≤ or ≥."""
        return "≤" if self is Comparison.AT_MOST else "≥"


class SloKind(StrEnum):
    """How an SLO is judged."""

    QUANTILE = "quantile"
    """A proportion of requests over the bound (methodology §4): ``quantile`` of them must keep it."""
    GAUGE = "gauge"
    """A sampled series against the bound: t-bound of the batch means."""
    PROPORTION = "proportion"
    """A share of good events, such as socket reach or completed requests."""
    THROUGHPUT = "throughput"
    """Good responses per second against a least rate: lower t-bound of the batch means."""
    COUNT = "count"
    """A fact that needs no statistics: a count of things that may not happen (or at most so often)."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One bound of a plan.

    sli: a name in ``analysis.slis.SLIS``, what is measured.
    warning, critical: the bounds, at least one; a broken warning is a PASS with severity warning.
    levels: names of the levels where it is judged.
    quantile: for QUANTILE only, such as 0.95.
    note: why a part of it is assumed, if so ("the plan names no percentile: p95").
    """

    id: str
    title: str
    sli: str
    kind: SloKind
    comparison: Comparison
    warning: Figure | None
    critical: Figure | None
    levels: tuple[str, ...]
    citation: Citation
    quantile: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.warning is None and self.critical is None:
            raise ValueError(f"{self.id}: an SLO needs a bound")
        if (self.kind is SloKind.QUANTILE) != (self.quantile is not None):
            raise ValueError(f"{self.id}: a quantile belongs to quantile SLOs, and only to them")
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise ValueError(f"{self.id}: a quantile lies between 0 and 1")
        if not self.levels:
            raise ValueError(f"{self.id}: names no level")
