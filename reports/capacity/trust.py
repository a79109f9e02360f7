"""Can this be trusted? The checks that failed in some trial, the host, and how to run it again."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.verdict import CheckResult
from reports.capacity.material import CapacityMaterial
from reports.sections.trust import run_facts


@dataclass(frozen=True, slots=True)
class CapacityTrust:
    """Everything that speaks for or against the trials. failed: (trial, check)."""

    checks: int
    failed: tuple[tuple[int, CheckResult], ...]
    gone: tuple[int, ...]
    undrained: tuple[int, ...]
    facts: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    deviations: tuple[str, ...]
    command: str


def build(material: CapacityMaterial) -> CapacityTrust:
    """From the trials' checks and the manifest."""
    found, manifest = material.found, material.found.manifest
    whole = [each for each in material.judged if each is not None]
    checks = [(each.result.trial.number, check) for each in whole for check in each.verdict.checks]
    return CapacityTrust(
        checks=len(checks),
        failed=tuple((number, check) for number, check in checks if check.passed is False),
        gone=tuple(line.trial.number for line, now in zip(found.lines, material.judged, strict=True) if now is None),
        undrained=tuple(line.trial.number for line in found.lines if not line.drained),
        facts=run_facts(manifest, found.search.arrivals),
        versions=tuple(sorted(manifest.versions.items())),
        deviations=manifest.deviations,
        command=manifest.command,
    )
