"""One thing starved at a time, on real servers, and the bottleneck named. Each case takes a minute and a half.

Two cases are part of every run of the tests; ``make starve`` (PROOFLOAD_STARVE=1) makes all of them. The evidence of
all of them, as once recorded, is judged in every run: tests/golden/test_bottleneck_recordings.py.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.analysis.bottleneck import find_bottleneck
from harness.model.bottleneck import Confidence
from harness.store.read import read_run
from tests.support.command import run_directory, start
from tests.support.remains import remains
from tests.support.starving import CASES, DISK_GROUPS, Case

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

ALWAYS = ("pgbouncer-pool", "cpu")
"""One with a wait in a server and one with a limit of the kernel's."""
CHOSEN = [case for case in CASES if case.name in ALWAYS or os.environ.get("PROOFLOAD_STARVE")]


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name)
def test_what_was_starved_is_named(case: Case, runs: Path) -> None:
    if case.starved == "disk" and not os.access(DISK_GROUPS, os.W_OK):
        pytest.skip("no cgroup here can slow the disk down")
    log = runs / "run.log"
    code = start([sys.executable, "-m", "tests.support.starving", case.name, str(runs)], log).wait(280)
    assert code == 0, log.read_text()
    run = run_directory(runs)
    assert run is not None, log.read_text()
    evidence = read_run(run)
    bottleneck = find_bottleneck(evidence)
    said = "\n".join((bottleneck.sentence, *bottleneck.chain))
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NAMED, case.starved), said
    assert bottleneck.lead_seconds is not None
    assert bottleneck.lead_seconds > -5, said
    assert remains(run, evidence.manifest.base_url) == []
