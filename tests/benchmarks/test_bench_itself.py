"""The bench measures: one small run of a second each, without any peer but nginx."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.peers import peer
from tests.benchmarks.processes import BenchError, program
from tests.benchmarks.rows import CLAIMS, OURS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The figures of a bench of these groups, and what it printed."""
    out = tmp_path_factory.mktemp("bench")
    groups = ["get", "upload", "echo", "recording", "start-error"]
    nobody = {"PATH": f"/usr/sbin:{Path(sys.executable).parent}:/bin", "HOME": str(out)}  # where no peer lives
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks", "--small", "--runs", "1", "--seconds", "1"),
            *("--out", str(out), "--only", *groups),
        ],
        cwd=ROOT,
        env={**os.environ, **nobody, "BENCH_NODE": str(out)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads((out / "performance.json").read_text())["groups"], done, out


@pytest.mark.skipif(not peer("nginx").present, reason="needs nginx")
def test_ours_are_measured_and_absent_peers_are_named(bench):
    groups, done, out = bench
    for name in ("get", "upload", "echo", "recording", "start-error"):
        assert groups[name]["values"][OURS], (name, groups[name]["missing"], done.stderr)
        assert groups[name]["values"][OURS][0] > 0
    assert groups["get"]["missing"]["k6"].startswith("missing: go install go.k6.io/k6/v2@")
    assert "k6: missing: go install" in done.stdout
    assert done.returncode == 1  # ratios to k6 could not be measured, and that is no success
    page = (out / "performance.md").read_text()
    assert all(claim.title in page for claim in CLAIMS)


def test_a_contestant_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    log = tmp_path / "log"
    with program([sys.executable, "-c", "print('no such option')"], None, log) as running:
        running.wait(20)
        with pytest.raises(BenchError, match="ended with 0: no such option"):
            running.require_alive()


def test_a_contestant_goes_with_all_that_it_started(tmp_path):
    log = tmp_path / "log"
    nested = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('up', flush=True); sys.stdin.read()"
    with program(["sh", "-c", f'{sys.executable} -c "{nested}"; sleep 60'], None, log) as running:
        while "up" not in log.read_text():
            running.require_alive()
        group = running.pid
    deadline = time.monotonic() + 10
    while _alive_in(group):
        assert time.monotonic() < deadline


def _alive_in(group):
    """The processes of a group that have not ended; a dead one that nobody has asked for yet is no process any more."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(of) == group and state != "Z":
            found.append(stat.parent.name)
    return found
