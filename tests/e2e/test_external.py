"""Loading what runs already: nothing is known of it but its address, and it outlives the run."""

from __future__ import annotations

import json
import re
import shutil
import signal
import urllib.request
from pathlib import Path

import pytest

from harness.model.plan import LevelName, PhaseName
from harness.store.read import read_run
from tests.support.command import PROJECT, PROOFLOAD, phase_began, proofload, run_directory, start, wait_for
from tests.support.remains import marked_processes, remains

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def test_an_external_stack_is_loaded_judged_and_left_alone(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POSTGRES_DSN", "PGBOUNCER_DSN", "REDIS_URL", "NGINX_STATUS_URL", "METRICS_URL", "CELERY_QUEUES"):
        monkeypatch.delenv(f"PROOFLOAD_{name}", raising=False)
    out = proofload("stack", "up", "lectio", "--stage", "A", "--runs", str(runs), exit_code=0)
    found = re.search(r"http://127\.0\.0\.1:\d+", out)
    assert found, out
    url = found.group()
    (stack,) = runs.glob("*-stack")

    # A folder of runs of its own, below a name with a space in it, and flows of one's own from another folder.
    flows = runs / "my_flows.py"
    shutil.copy(PROJECT / "locustfiles" / "lectio.py", flows)
    own = runs / "runs of mine"
    log = runs / "verify.log"
    external = ("--stack", "external", "--host", url, "--runs", str(own), "--locustfile", str(flows))
    process = start([*PROOFLOAD, "verify", "lectio", "--stage", "A", *external], log)
    wait_for(lambda: phase_began(own, LevelName.NORMAL, PhaseName.MEASURE), 60, process, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 11, log.read_text()

    run = run_directory(own)
    assert run is not None
    verdicts = json.loads((run / "verdicts.json").read_text())
    assert "Ctrl-C" in verdicts["cut_short"]
    assert not any(cell["outcome"] == "PASS" for cell in verdicts["verdicts"] if cell["slo_id"] == "lost-writes")
    assert (run / "report.html").stat().st_size > 10_000
    evidence = read_run(run)
    assert evidence.manifest.stack == "external"
    assert evidence.manifest.base_url == url
    assert sum(row.completed for row in evidence.requests if row.kind == "http") > 0
    assert not any(row.error_kinds for row in evidence.requests if row.kind == "http")
    assert evidence.acknowledged
    assert evidence.reconciliation is None
    assert {sample.source for sample in evidence.servers} == {"host"}
    assert marked_processes(run.name) == [], "the generator has ended"

    with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
        assert answer.status == 200
    assert "detached" in proofload("stack", "status", "--runs", str(runs), exit_code=0)
    assert stack.name in proofload("stack", "down", "--runs", str(runs), exit_code=0)
    assert remains(stack, url) == []
    assert not list(runs.glob(".stacks"))
