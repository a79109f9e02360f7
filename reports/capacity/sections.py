"""The sections of a search's report, from the top. A new one is a module, a template and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.capacity import answer, audit, curve, plan, scalability, trust
from reports.capacity.material import CapacityMaterial


@dataclass(frozen=True, slots=True)
class CapacitySectionKind:
    """A section: its anchor, its heading, its template, and what builds its content (None leaves it out)."""

    id: str
    title: str
    template: str
    build: Callable[[CapacityMaterial], object | None]


CAPACITY_SECTIONS: tuple[CapacitySectionKind, ...] = (
    CapacitySectionKind("answer", "The answer", "answer.html.j2", answer.build),
    CapacitySectionKind("curve", "Response time against load", "curve.html.j2", curve.build),
    CapacitySectionKind("scalability", "Scalability", "scalability.html.j2", scalability.build),
    CapacitySectionKind("audit", "The plan against itself", "audit.html.j2", audit.build),
    CapacitySectionKind("plan", "The plan and the sizing", "plan.html.j2", plan.build),
    CapacitySectionKind("trust", "Can this be trusted?", "capacity_trust.html.j2", trust.build),
)
