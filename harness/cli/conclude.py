"""From a run directory to its verdict and reports: the last step of ``verify`` and all of ``report``."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.judge import judge
from harness.exitcodes import ExitCode
from harness.model.evidence import Evidence
from harness.model.verdict import Outcome, RunVerdict
from harness.store.layout import RunDirectory
from harness.store.read import read_run
from reports.write import write_reports

EXIT_CODES = {
    Outcome.PASS: ExitCode.PASS,
    Outcome.FAIL: ExitCode.FAIL,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.INVALID: ExitCode.INVALID,
}


def conclude(path: Path) -> tuple[RunDirectory, Evidence, RunVerdict]:
    """Judge the evidence and write the reports. Raises EvidenceError when the folder cannot be read."""
    run = RunDirectory(path.resolve())
    evidence = read_run(run.path)
    verdict = judge(evidence)
    write_reports(run, evidence, verdict)
    return run, evidence, verdict
