"""The plan against itself: what the audit found when the run began, the findings on the run's stage first."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.audit import AuditFinding, AuditReport, Grade
from reports.material import Material


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; title: what should hold. lines: the arithmetic and what to make of it. stages: whose
    figures are in it, in words."""

    title: str
    stages: str
    lines: tuple[str, ...]
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GradeGroup:
    """The findings of one grade."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole system's findings."""

    document: str
    stage: str
    summary: str
    groups: tuple[GradeGroup, ...]
    agreeing: tuple[str, ...]


_TITLES = {
    Grade.CONTRADICTION: "Contradictions: both sides cannot be true",
    Grade.TENSION: "Tensions: one side makes the other unlikely, late or dear",
    Grade.READING: "Depends on how the plan’s words are read",
}


def build(material: Material) -> Audit | None:
    """None for a run that kept no audit, or of a plan whose file asks for none."""
    return audited(material.evidence.audit, material.evidence.subject.stage.name)


def audited(report: AuditReport | None, stage: str) -> Audit | None:
    """The findings as a reader of a run of that stage wants them; None where there are none to show."""
    if report is None or not report.findings:
        return None
    groups = (
        GradeGroup(title, tuple(_finding(each) for each in _this_stage_first(report.graded(grade), stage)))
        for grade, title in _TITLES.items()
    )
    return Audit(
        document=report.document,
        stage=stage,
        summary=report.summary,
        groups=tuple(group for group in groups if group.findings),
        agreeing=tuple(f"{each.title}: {each.comparison}" for each in report.graded(None)),
    )


def _this_stage_first(findings: tuple[AuditFinding, ...], stage: str) -> list[AuditFinding]:
    """Then those of the system as a whole, then those of other stages only; each in the order of the file."""
    return sorted(findings, key=lambda each: 0 if stage in each.stages else 2 if each.stages else 1)


def _finding(found: AuditFinding) -> Finding:
    lines = [found.comparison, *(f"by {formula}" for formula in found.formulas), found.says]
    if found.rests_on_assumption:
        lines.append("rests on a figure that is assumed, not the plan’s")
    return Finding(
        title=found.title,
        stages=f"stage{'s' if len(found.stages) > 1 else ''} {', '.join(found.stages)}" if found.stages else "",
        lines=tuple(line for line in lines if line),
        citations=tuple(str(citation) for citation in found.citations),
    )
