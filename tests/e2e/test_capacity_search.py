"""A capacity search on the real native stack, kept short: trials, report, Ctrl-C, and nothing left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from harness.store.read import read_capacity
from tests.support.command import PROOFLOAD, proofload, start, wait_for
from tests.support.remains import remains

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

EXIT_CODES = {"PASS": 0, "FAIL": 10, "INCONCLUSIVE": 11, "INVALID": 12}
MADE_FILES = ("capacity.json", "report.html", "junit.xml", "summary.md")


def search_directory(runs: Path) -> Path:
    return next(path.parent for path in runs.glob("*/search.json"))


def trials_ended(runs: Path) -> int:
    files = list(runs.glob("*/trials.jsonl"))
    return len(files[0].read_text().splitlines()) if files else 0


def trial_loads(runs: Path, number: int) -> bool:
    events = list(runs.glob(f"*/trials/{number:02d}/events.jsonl"))
    return bool(events) and '"load-start"' in events[0].read_text()


def search(runs: Path, budget: str) -> list[str]:
    command = [*PROOFLOAD, "capacity", "lectio", "--stage", "A", "--from", "20"]
    return [*command, "--budget", budget, "--width", "40%", "--runs", str(runs)]


def test_a_short_search_ends_within_its_budget_with_trials_that_are_runs(runs: Path) -> None:
    log = runs / "capacity.log"
    code = start(search(runs, "110s"), log).wait(300)
    run = search_directory(runs)
    answer = json.loads((run / "capacity.json").read_text())
    assert code == EXIT_CODES[answer["outcome"]], log.read_text()
    assert answer["trials"], log.read_text()
    assert sum(trial["took_seconds"] for trial in answer["trials"]) < 125

    found = read_capacity(run)
    assert found.ended == "complete", log.read_text()
    for line, evidence in zip(found.lines, found.trials, strict=True):
        assert evidence is not None
        assert evidence.manifest.kind == "trial"
        assert evidence.nginx_requests, "each has its own part of nginx's log"
        assert evidence.reconciliation is not None
        assert evidence.reconciliation.checked
        assert not any(
            sample.monotonic_seconds < (evidence.load_start_seconds or 0) - 15 for sample in evidence.servers
        )
        assert line.offered_per_second == pytest.approx(line.trial.rate_per_second, rel=0.25)
        assert line.drained
    assert "✓ PASS" in log.read_text() or "? INCONCLUSIVE" in log.read_text()

    before = {name: (run / name).read_bytes() for name in MADE_FILES}
    proofload("report", str(run), exit_code=code)
    assert {name: (run / name).read_bytes() for name in MADE_FILES} == before
    assert remains(run, found.manifest.base_url) == []


def test_ctrl_c_keeps_the_trials_so_far_and_still_reports(runs: Path) -> None:
    log = runs / "capacity.log"
    process = start(search(runs, "10m"), log)
    wait_for(lambda: trials_ended(runs) == 1 and trial_loads(runs, 2), 180, process, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == EXIT_CODES["INCONCLUSIVE"], log.read_text()
    run = search_directory(runs)
    answer = json.loads((run / "capacity.json").read_text())
    assert (len(answer["trials"]), answer["complete"], answer["end"]) == (1, False, "Ctrl-C")
    assert (run / "report.html").stat().st_size > 10_000
    assert remains(run, read_capacity(run).manifest.base_url) == []


def test_kill_9_leaves_a_search_to_report_and_a_stack_to_clean_up(runs: Path) -> None:
    log = runs / "capacity.log"
    process = start(search(runs, "10m"), log)
    wait_for(lambda: trial_loads(runs, 1), 120, process, log)
    process.kill()
    process.wait()
    run = search_directory(runs)
    proofload("report", str(run), exit_code=EXIT_CODES["INCONCLUSIVE"])
    assert "the harness was ended" in json.loads((run / "capacity.json").read_text())["end"]
    assert "orphaned" in proofload("stack", "status", "--runs", str(runs), exit_code=0)
    proofload("stack", "down", "--runs", str(runs), exit_code=0)
    assert remains(run, read_capacity(run).manifest.base_url) == []
