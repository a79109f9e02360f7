"""The stage as planned and as built, in the shape of a run's section."""

from __future__ import annotations

from reports.capacity.material import CapacityMaterial
from reports.sections.plan import Plan, planned


def build(material: CapacityMaterial) -> Plan:
    """From the target as judged and the manifest."""
    return planned(material.found.subject, material.found.manifest)
