"""Caveats: what the answer rests on that the plan does not say, and where the run left the plan."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.figure import Provenance
from reports.material import Material
from reports.sections.plan import FigureRow, figure_row


@dataclass(frozen=True, slots=True)
class Caveats:
    """Assumptions, notes on the bounds, and deviations."""

    assumptions: tuple[FigureRow, ...]
    notes: tuple[tuple[str, str], ...]
    deviations: tuple[str, ...]


def build(material: Material) -> Caveats | None:
    """Everything that a careful reader should know; None when there is nothing."""
    evidence = material.evidence
    stage, plan = evidence.subject.stage, evidence.plan
    figures = (
        *plan.assumptions,
        *stage.figures,
        *(figure for level in plan.levels for figure in (level.rate, level.users)),
    )
    bounds = [bound for slo in stage.slos for bound in (slo.warning, slo.critical) if bound is not None]
    assumed = dict.fromkeys(
        figure_row(figure) for figure in (*figures, *bounds) if figure.provenance is Provenance.ASSUMED
    )
    notes = tuple((slo.title, slo.note) for slo in stage.slos if slo.note)
    caveats = Caveats(tuple(assumed), notes, evidence.manifest.deviations)
    return caveats if caveats.assumptions or caveats.notes or caveats.deviations else None
