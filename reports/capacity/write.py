"""The four files of a search that are made from its evidence."""

from __future__ import annotations

from harness.store.layout import RunDirectory
from reports.build import ReportModel, Section
from reports.capacity.files import capacity_json, capacity_junit, capacity_markdown
from reports.capacity.material import CapacityMaterial
from reports.capacity.sections import CAPACITY_SECTIONS
from reports.html import render_html
from reports.write import write_file


def write_capacity_reports(run: RunDirectory, material: CapacityMaterial) -> None:
    """Write capacity.json, junit.xml, summary.md and report.html into the search's run directory.

    The same evidence and verdict give the same bytes. Raises ReportError when the folder cannot be written.
    """
    write_file(run.capacity, capacity_json(material))
    write_file(run.junit, capacity_junit(material))
    write_file(run.summary, capacity_markdown(material).encode())
    write_file(run.report, render_html(capacity_report(material)).encode())


def capacity_report(material: CapacityMaterial) -> ReportModel:
    """The report for people, as a value."""
    subject = material.found.subject
    audience = ", ".join(f"{figure.value:,.0f} {figure.name.replace('_', ' ')}" for figure in subject.stage.audience)
    contents = ((kind, kind.build(material)) for kind in CAPACITY_SECTIONS)
    return ReportModel(
        title=f"Capacity of {subject.title}, stage {subject.stage.name}",
        subtitle=audience,
        outcome=material.verdict.outcome,
        run_id=material.found.manifest.run_id,
        sections=tuple(
            Section(kind.id, kind.title, kind.template, content) for kind, content in contents if content is not None
        ),
    )
