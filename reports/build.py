"""Evidence and verdict to the report as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.evidence import Evidence
from harness.model.measurement import Basis
from harness.model.verdict import Outcome, RunVerdict
from reports.material import Material, collect
from reports.sections import SECTIONS


@dataclass(frozen=True, slots=True)
class Section:
    """One section with its content, ready for its template."""

    id: str
    title: str
    template: str
    content: object


@dataclass(frozen=True, slots=True)
class ReportModel:
    """The whole report for people. outcome: MEASURED where nothing is judged."""

    title: str
    subtitle: str
    outcome: Outcome | Basis
    run_id: str
    sections: tuple[Section, ...]


def build_report(evidence: Evidence, verdict: RunVerdict) -> ReportModel:
    """The report of a run, however far it came."""
    return report_model(collect(evidence, verdict))


def report_model(material: Material) -> ReportModel:
    """The report, from what was collected for it."""
    evidence = material.evidence
    subject, manifest = evidence.subject, evidence.manifest
    contents = ((kind, kind.build(material)) for kind in SECTIONS)
    audience = ", ".join(f"{figure.value:,.0f} {figure.name.replace('_', ' ')}" for figure in subject.stage.audience)
    return ReportModel(
        title=f"{subject.title}, stage {subject.stage.name}",
        subtitle=audience,
        outcome=material.verdict.outcome,
        run_id=manifest.run_id,
        sections=tuple(
            Section(kind.id, kind.title, kind.template, content) for kind, content in contents if content is not None
        ),
    )
