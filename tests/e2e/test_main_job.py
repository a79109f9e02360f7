"""The main job as a person does it: verify, interrupt, kill, report, stack down. Real servers, real load."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from harness.model.evidence import Evidence
from harness.model.plan import LevelName, PhaseName
from harness.store.read import read_run
from tests.support.command import PROOFLOAD, phase_began, proofload, run_directory, start, wait_for
from tests.support.remains import marked_processes, remains

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

EXIT_CODES = {"PASS": 0, "FAIL": 10, "INCONCLUSIVE": 11, "INVALID": 12}
MADE_FILES = ("verdicts.json", "report.html", "junit.xml", "summary.md")

SHORT_RUN = """
import sys
from dataclasses import replace
from pathlib import Path

from harness.cli.live import LiveDisplay
from harness.cli.output import console
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from targets.loader import digest, find_stage, load_target, target_path

target = load_target("lectio")
stage = find_stage(target, "A")
short = replace(profile_named("smoke"), ramp_seconds=1, settle_seconds=3, measure_seconds=6, drain_seconds=1)
plan = build_plan(target, stage, short, seed=7)
settings = Settings(target, stage, plan, Path(sys.argv[1]), Path("locustfiles/lectio.py"),
                    digest(target_path("lectio")), "a short run of the tests")
with LiveDisplay(console(), plan, "short run", None) as display:
    execute(settings, display, StopRequest())
"""
"""A run whose levels last 11 s, so that 3x-peak is reached in 22."""


def carried(evidence: Evidence, kind: str, level: LevelName) -> int:
    """Good responses of that kind that were meant to start within the level."""
    span = evidence.plan.level(level)
    return sum(
        row.completed
        for row in evidence.requests
        if row.kind == kind and span.start_seconds <= row.second < span.end_seconds
    )


def test_verify_gives_a_verdict_on_stage_a_with_its_evidence(runs: Path) -> None:
    log = runs / "verify.log"
    command = [*PROOFLOAD, "verify", "lectio", "--stage", "A", "--profile", "smoke", "--runs", str(runs)]
    code = start(command, log).wait(400)
    run = run_directory(runs)
    assert run is not None, log.read_text()
    verdicts = json.loads((run / "verdicts.json").read_text())
    assert code == EXIT_CODES[verdicts["outcome"]], log.read_text()
    assert verdicts["cut_short"] == "", log.read_text()
    assert "report  " in log.read_text()

    evidence = read_run(run)
    cells = {(cell["slo_id"], cell["level"]): cell for cell in verdicts["verdicts"]}
    wanted = {(slo.id, level) for slo in evidence.subject.stage.slos for level in slo.levels}
    assert set(cells) == wanted
    assert all(
        cell["citation"]["document"] == "lectio-space.md" and cell["citation"]["section"] for cell in cells.values()
    )
    assert all(cell["reason"] for cell in cells.values())

    for level in LevelName:
        for kind in ("http", "socketio", "upload"):
            assert carried(evidence, kind, level) > 0, f"no {kind} at {level}"
        # facts that hold on however busy a machine
        for fact in ("oom-kills", "server-crashes", "lost-writes"):
            assert cells[fact, level]["outcome"] == "PASS", cells[fact, level]["reason"]
    assert evidence.reconciliation is not None
    assert evidence.reconciliation.acknowledged > 300
    assert any(sample.source == "postgres" and not sample.gap for sample in evidence.servers)
    assert all(row.matches is not False for row in evidence.manifest.read_back)

    before = {name: (run / name).read_bytes() for name in MADE_FILES}
    proofload("report", str(run), exit_code=code)
    assert {name: (run / name).read_bytes() for name in MADE_FILES} == before
    assert remains(run, evidence.manifest.base_url) == []


def test_ctrl_c_ends_the_load_keeps_the_evidence_and_still_reports(runs: Path) -> None:
    log = runs / "verify.log"
    process = start([*PROOFLOAD, "verify", "lectio", "--stage", "A", "--runs", str(runs)], log)
    wait_for(lambda: phase_began(runs, LevelName.NORMAL, PhaseName.MEASURE), 120, process, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == EXIT_CODES["INCONCLUSIVE"], log.read_text()
    run = run_directory(runs)
    assert run is not None
    verdicts = json.loads((run / "verdicts.json").read_text())
    assert "Ctrl-C" in verdicts["cut_short"]
    assert (run / "report.html").stat().st_size > 10_000
    evidence = read_run(run)
    assert carried(evidence, "http", LevelName.NORMAL) > 0
    assert remains(run, evidence.manifest.base_url) == []


def test_kill_9_at_3x_peak_leaves_a_run_to_report_and_a_stack_to_clean_up(runs: Path) -> None:
    log = runs / "run.log"
    process = start([sys.executable, "-c", SHORT_RUN, str(runs)], log)
    wait_for(lambda: phase_began(runs, LevelName.PROOF, PhaseName.MEASURE), 150, process, log)
    process.kill()
    process.wait()
    run = run_directory(runs)
    assert run is not None
    assert marked_processes(run.name), "the servers were to outlive their harness here"

    proofload("report", str(run), exit_code=EXIT_CODES["INCONCLUSIVE"])
    evidence = read_run(run)
    verdicts = json.loads((run / "verdicts.json").read_text())
    assert verdicts["cut_short"]
    assert carried(evidence, "http", LevelName.PEAK) > 0

    assert "orphaned" in proofload("stack", "status", "--runs", str(runs), exit_code=0)
    assert run.name in proofload("stack", "down", "--runs", str(runs), exit_code=0)
    assert remains(run, evidence.manifest.base_url) == []
    assert (run / "report.html").exists()
    assert "nothing was left" in proofload("stack", "down", "--runs", str(runs), exit_code=0)
