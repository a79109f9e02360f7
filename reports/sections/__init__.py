"""The report's sections, from the top. A new one is a module, a template and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.material import Material
from reports.sections import answer, audit, bottleneck, caveats, flows, happened, plan, predictions, promise, trust


@dataclass(frozen=True, slots=True)
class SectionKind:
    """A section: its anchor, its heading, its template, and what builds its content (None leaves it out)."""

    id: str
    title: str
    template: str
    build: Callable[[Material], object | None]


SECTIONS: tuple[SectionKind, ...] = (
    SectionKind("answer", "The answer", "answer.html.j2", answer.build),
    SectionKind("promise", "The promise, row by row", "promise.html.j2", promise.build),
    SectionKind("happened", "What happened", "happened.html.j2", happened.build),
    SectionKind("flows", "Flows", "flows.html.j2", flows.build),
    SectionKind("bottleneck", "The bottleneck", "bottleneck.html.j2", bottleneck.build),
    SectionKind("predictions", "The plan against the measurement", "predictions.html.j2", predictions.build),
    SectionKind("audit", "The plan against itself", "audit.html.j2", audit.build),
    SectionKind("plan", "The plan and the sizing", "plan.html.j2", plan.build),
    SectionKind("trust", "Can this be trusted?", "trust.html.j2", trust.build),
    SectionKind("caveats", "Caveats", "caveats.html.j2", caveats.build),
)
