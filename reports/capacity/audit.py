"""The plan against itself, in the shape of a run's section."""

from __future__ import annotations

from reports.capacity.material import CapacityMaterial
from reports.sections.audit import Audit, audited


def build(material: CapacityMaterial) -> Audit | None:
    """From what the audit found when the search began."""
    return audited(material.found.audit, material.found.subject.stage.name)
