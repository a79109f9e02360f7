"""The four files of a run that are made from its evidence."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ReportError
from harness.model.evidence import Evidence
from harness.model.verdict import RunVerdict
from harness.store.layout import RunDirectory
from reports.build import report_model
from reports.html import render_html
from reports.junit import junit_xml
from reports.markdown import summary_markdown
from reports.material import collect
from reports.verdict_json import verdicts_json


def write_reports(run: RunDirectory, evidence: Evidence, verdict: RunVerdict) -> None:
    """Write verdicts.json, junit.xml, summary.md and report.html into the run directory.

    The same evidence and verdict give the same bytes. The files for programs are written first, so that they exist
    even if drawing should fail. Raises ReportError when the folder cannot be written.
    """
    write_file(run.verdicts, verdicts_json(evidence, verdict))
    write_file(run.junit, junit_xml(evidence, verdict))
    material = collect(evidence, verdict)
    write_file(run.summary, summary_markdown(material).encode())
    write_file(run.report, render_html(report_model(material)).encode())


def write_file(path: Path, content: bytes) -> None:
    """In one step: a reader sees the old file or the new one."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        hint = f"the evidence is whole; make room, then: proofload report {path.parent}"
        raise ReportError(f"{path.name} cannot be written: {error.strerror}", str(path), hint) from error
