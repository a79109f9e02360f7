"""The plan: the stage's figures with where each comes from, and the sizing as the running servers report it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.evidence import Subject
from harness.model.figure import Citation, Figure, Statement
from harness.model.run import Manifest, ReadBack
from harness.model.units import Unit, format_quantity
from reports.material import Material


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One number of the plan. provenance: stated, derived or assumed; note: the arithmetic or the reason."""

    name: str
    value: str
    provenance: str
    note: str
    citation: str


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """The figures of one part of the stage."""

    title: str
    rows: tuple[FigureRow, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The stage as planned and as built."""

    document: str
    stage: str
    citation: str
    read_back: tuple[ReadBack, ...]
    mismatches: int
    limits: str
    limits_enforced: bool
    stack_seconds: str
    groups: tuple[FigureGroup, ...]
    bottleneck: Statement


def build(material: Material) -> Plan:
    """The stage, from the target as judged and the manifest."""
    return planned(material.evidence.subject, material.evidence.manifest)


def planned(subject: Subject, manifest: Manifest) -> Plan:
    """The same, of any kind of run."""
    stage = subject.stage
    parts = (
        ("Audience", stage.audience),
        ("Server", stage.server),
        ("Sizing", stage.sizing),
        ("Expected load", stage.load),
        ("Cost", stage.costs),
    )
    return Plan(
        document=subject.document,
        stage=f"Stage {stage.name}: {stage.title}",
        citation=str(stage.citation),
        read_back=manifest.read_back,
        mismatches=sum(row.matches is False for row in manifest.read_back),
        limits=manifest.limits,
        limits_enforced=manifest.limits_enforced,
        stack_seconds=format_quantity(manifest.stack_seconds, Unit.SECONDS),
        groups=tuple(
            FigureGroup(title, tuple(figure_row(figure) for figure in figures)) for title, figures in parts if figures
        ),
        bottleneck=stage.bottleneck,
    )


def figure_row(figure: Figure) -> FigureRow:
    """One figure as a row."""
    value = format_quantity(figure.value, figure.unit)
    if figure.high is not None:
        value += f" to {format_quantity(figure.high, figure.unit)}"
    return FigureRow(
        figure.name.replace("_", " "), value, figure.provenance, figure.note, citation_words(figure.citation)
    )


def citation_words(citation: Citation) -> str:
    """The place in the plan and its words; the document's name stands above the table."""
    return citation.section + (f": “{citation.quote}”" if citation.quote else "")
