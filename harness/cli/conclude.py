"""From a run directory to its verdict and reports: the last step of ``verify`` and all of ``report``."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.capacity import answer, judge_trials, results_of
from harness.analysis.claims import find
from harness.analysis.judge import judge
from harness.exitcodes import ExitCode
from harness.experiment.capacity import end_of
from harness.model.claims import ClaimsEvidence, ClaimsFound
from harness.model.evidence import Evidence
from harness.model.exploration import CapacityEvidence, CapacityVerdict
from harness.model.verdict import Outcome, RunVerdict
from harness.store.layout import RunDirectory
from harness.store.read import read_capacity, read_claims, read_manifest, read_run
from reports.capacity.material import CapacityMaterial
from reports.capacity.write import write_capacity_reports
from reports.claims.write import write_claims_reports
from reports.write import write_reports

EXIT_CODES = {
    Outcome.PASS: ExitCode.PASS,
    Outcome.FAIL: ExitCode.FAIL,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.INVALID: ExitCode.INVALID,
}


def kind_of(path: Path) -> str:
    """What kind of run the folder holds. Raises EvidenceError when it holds none."""
    return read_manifest(RunDirectory(path.resolve())).kind


def conclude_capacity(path: Path) -> tuple[RunDirectory, CapacityEvidence, CapacityVerdict]:
    """Judge every trial of a search again and write its reports. Raises EvidenceError."""
    run = RunDirectory(path.resolve())
    found = read_capacity(run.path)
    judged = judge_trials(found)
    end = end_of(found.search, results_of(found, judged), found.ended)
    verdict = answer(found, judged, end)
    write_capacity_reports(run, CapacityMaterial(found, judged, verdict))
    return run, found, verdict


def conclude_claims(path: Path) -> tuple[RunDirectory, ClaimsEvidence, ClaimsFound]:
    """Compare the pairs again and write claims.json and report.html. Raises EvidenceError."""
    run = RunDirectory(path.resolve())
    evidence = read_claims(run.path)
    found = find(evidence)
    write_claims_reports(run, evidence, found)
    return run, evidence, found


def conclude(path: Path) -> tuple[RunDirectory, Evidence, RunVerdict]:
    """Judge the evidence and write the reports. Raises EvidenceError when the folder cannot be read."""
    run = RunDirectory(path.resolve())
    evidence = read_run(run.path)
    verdict = judge(evidence)
    write_reports(run, evidence, verdict)
    return run, evidence, verdict
