"""claims.json and report.html of measured claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from harness.model.claims import ClaimResult, ClaimsEvidence, ClaimsFound, PairRun
from harness.model.figure import Provenance
from harness.model.measurement import Basis
from harness.store.layout import RunDirectory
from reports.build import ReportModel, Section
from reports.claims.table import build, planned_rate
from reports.html import render_html
from reports.verdict_json import RunIdentity, identity
from reports.write import write_file


@dataclass(frozen=True, slots=True)
class ClaimsFile:
    """The whole file; docs/run-directory.md describes it. rate_provenance: stated, derived or assumed; None when no
    run's plan can be read any more."""

    schema: Literal["proofload.claims/1"]
    run: RunIdentity
    basis: Basis
    cut_short: str
    rate_per_second: float
    rate_provenance: Provenance | None
    measure_seconds: float
    results: tuple[ClaimResult, ...]
    runs: tuple[PairRun, ...]


_ADAPTER: TypeAdapter[ClaimsFile] = TypeAdapter(ClaimsFile)


def claims_json(evidence: ClaimsEvidence, found: ClaimsFound) -> bytes:
    """For programs."""
    rate = planned_rate(evidence)
    file = ClaimsFile(
        schema="proofload.claims/1",
        run=identity(evidence.manifest),
        basis=Basis.MEASURED,
        cut_short=found.cut_short,
        rate_per_second=evidence.asked.rate_per_second,
        rate_provenance=None if rate is None else rate.provenance,
        measure_seconds=evidence.asked.measure_seconds,
        results=found.results,
        runs=found.runs,
    )
    return _ADAPTER.dump_json(file, indent=2) + b"\n"


def claims_report(evidence: ClaimsEvidence, found: ClaimsFound) -> ReportModel:
    """For people, as a value."""
    subject = evidence.subject
    return ReportModel(
        title=f"Claims of {subject.title}, stage {subject.stage.name}",
        subtitle=subject.document,
        outcome=Basis.MEASURED,
        run_id=evidence.manifest.run_id,
        sections=(
            Section("claims", "What the plan claims, and what was measured", "claims.html.j2", build(evidence, found)),
        ),
    )


def write_claims_reports(run: RunDirectory, evidence: ClaimsEvidence, found: ClaimsFound) -> None:
    """The same evidence gives the same bytes. Raises ReportError when the folder cannot be written."""
    write_file(run.claims, claims_json(evidence, found))
    write_file(run.report, render_html(claims_report(evidence, found)).encode())
