"""A capacity search in real time against a queue whose capacity is known: two servers of 10 ms, 200 requests/s."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.exploration import CapacityEvidence
from harness.model.verdict import Outcome
from harness.stack.ports import free_ports
from harness.store.read import read_capacity
from tests.support.command import PROJECT, PROOFLOAD, start, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

CAPACITY = 200.0
_URL = re.compile(r"http://127\.0\.0\.1:\d+")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[str]:
    """Its address."""
    log = tmp_path / "oracle.log"
    command = [*PROOFLOAD, "oracle", "mmc", "--servers", "2", "--service-ms", "10", "--for", "400"]
    process = start(command, log)
    try:
        wait_for(lambda: bool(_URL.search(log.read_text())), 30, process, log)
        found = _URL.search(log.read_text())
        assert found is not None
        yield found.group()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def search(queue: str, runs: Path, *options: str, **environment: str) -> tuple[dict[str, Any], CapacityEvidence]:
    """A search of that queue's capacity to its end: what it printed, and what it kept."""
    done = subprocess.run(
        [
            *(*PROOFLOAD, "capacity", "harness/oracle/target.toml", "--stage", "1", "--stack", "external"),
            *("--host", queue, "--runs", str(runs), "--json", *options),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "NO_COLOR": "1",
            "PROOFLOAD_METRICS_URL": f"{queue}/metrics",
            "PROOFLOAD_NGINX_STATUS_URL": f"{queue}/nginx_status",
            **environment,
        },
        timeout=300,
    )
    answer = json.loads(done.stdout)  # and nothing else is printed
    found = read_capacity(next(path.parent for path in runs.glob("*/search.json")))
    assert found.ended == "complete", done.stderr
    return answer, found


def test_nothing_above_the_true_capacity_passes(queue: str, tmp_path: Path) -> None:
    answer, found = search(queue, tmp_path, "--from", "140", "--width", "25%", "--budget", "150s")
    above = [line for line in found.lines if line.trial.rate_per_second > CAPACITY * 1.02]
    assert above, "the ramp goes past it"
    assert not [line for line in above if line.outcome is Outcome.PASS]
    lower = answer["bracket"]["lower_per_second"]
    assert lower is None or lower < CAPACITY
    for line in found.lines:
        if line.outcome is Outcome.PASS:  # Little's law, with the time in the queue: N = X · W, W at least the service
            assert line.concurrency > 0.8 * line.throughput_per_second * 0.010


def test_workers_that_stay_carry_every_trial(queue: str, tmp_path: Path) -> None:
    log, (port,) = tmp_path / "worker.log", free_ports(1)
    token = {"PROOFLOAD_WORKER_TOKEN": "only this test knows it"}
    master = f"127.0.0.1:{port}"
    worker = start([*PROOFLOAD, "worker", "--master", master, "--processes", "2", "--forever"], log, **token)
    try:
        runs = tmp_path / "runs"
        options = ("--from", "80", "--width", "60%", "--budget", "110s", "--expect-workers", "2", "--bind", master)
        _, found = search(queue, runs, *options, **token)
    finally:
        worker.send_signal(signal.SIGINT)
        ended = worker.wait(30)
    told = log.read_text()
    assert ended == 130, told
    assert "leaving; without this worker" not in told, "nobody counts on it between loads"
    assert len(found.lines) >= 2
    for evidence in found.trials:
        assert evidence is not None
        assert len({sample.worker for sample in evidence.generator}) == 2
    assert told.count("ended: completed") == 2 * len(found.lines), told
