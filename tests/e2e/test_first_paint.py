"""A real Chromium beside a real, short run: paints are seen, nothing of it is counted, nothing of it is left."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from harness.analysis.observations import Times
from harness.analysis.slis import sli
from harness.model.plan import LevelName, PhaseName
from harness.store.read import read_run
from tests.support.command import PROOFLOAD, phase_began, run_directory, start, wait_for
from tests.support.remains import marked_processes, remains

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(150)]


@pytest.mark.parametrize(
    ("system", "stage", "path", "name"),
    [
        ("flight-school", "0", "/students/", "first_contentful_paint_seconds"),
        ("course-organizer", "1", "/courses/", "page_load_seconds"),
    ],
)
def test_the_page_is_painted_and_loaded(runs: Path, system: str, stage: str, path: str, name: str) -> None:
    log = runs / "verify.log"
    process = start([*PROOFLOAD, "verify", system, "--stage", stage, "--runs", str(runs)], log)
    wait_for(lambda: phase_began(runs, LevelName.PEAK, PhaseName.RAMP), 110, process, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 11, log.read_text()
    run = run_directory(runs)
    assert run is not None
    evidence = read_run(run)

    assert 13 <= len(evidence.pages) <= 15
    assert all(page.status == 200 and 0 < (page.paint_seconds or 0) < 5 for page in evidence.pages), evidence.pages
    assert all(0 < (page.load_seconds or 0) < 5 for page in evidence.pages), evidence.pages
    observed = sli(name).observe(evidence, evidence.plan.level("normal"))
    assert isinstance(observed, Times)
    assert sum(row.completed for batch in observed.batches for row in batch) == len(evidence.pages)
    logged = [json.loads(line) for line in (run / "logs" / "nginx-access.jsonl").read_text().splitlines()]
    opened = [row for row in logged if row["probe"] == "browser" and row["path"].startswith(path)]
    assert len(opened) >= len(evidence.pages)
    assert not (run / "browser").exists()
    assert marked_processes(run.name) == []
    assert remains(run, evidence.manifest.base_url) == []


def test_chromium_goes_when_the_harness_is_killed(runs: Path) -> None:
    log = runs / "verify.log"
    process = start([*PROOFLOAD, "verify", "flight-school", "--stage", "0", "--runs", str(runs)], log)
    wait_for(lambda: phase_began(runs, LevelName.NORMAL, PhaseName.RAMP), 90, process, log)
    run = run_directory(runs)
    assert run is not None
    wait_for(lambda: (run / "browser").exists(), 30, process, log)
    process.kill()
    process.wait(10)
    down = start([*PROOFLOAD, "stack", "down", "--runs", str(runs)], runs / "down.log")
    assert down.wait(60) == 0
    assert not (run / "browser").exists()
    assert marked_processes(run.name) == []
