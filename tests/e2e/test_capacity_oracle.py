"""A capacity search in real time against a queue whose capacity is known: two servers of 10 ms, 200 requests/s."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.verdict import Outcome
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


def test_nothing_above_the_true_capacity_passes(queue: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "NO_COLOR": "1",
        "PROOFLOAD_METRICS_URL": f"{queue}/metrics",
        "PROOFLOAD_NGINX_STATUS_URL": f"{queue}/nginx_status",
    }
    search = ["--from", "140", "--width", "25%", "--budget", "150s", "--runs", str(tmp_path), "--json"]
    external = ["--stack", "external", "--host", queue]
    done = subprocess.run(
        [*PROOFLOAD, "capacity", "harness/oracle/target.toml", "--stage", "1", *external, *search],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment,
        timeout=300,
    )
    answer = json.loads(done.stdout)  # and nothing else is printed
    found = read_capacity(next(path.parent for path in tmp_path.glob("*/search.json")))
    assert found.ended == "complete", done.stderr
    above = [line for line in found.lines if line.trial.rate_per_second > CAPACITY * 1.02]
    assert above, "the ramp goes past it"
    assert not [line for line in above if line.outcome is Outcome.PASS]
    lower = answer["bracket"]["lower_per_second"]
    assert lower is None or lower < CAPACITY
    for line in found.lines:
        if line.outcome is Outcome.PASS:  # Little's law, with the time in the queue: N = X · W, W at least the service
            assert line.concurrency > 0.8 * line.throughput_per_second * 0.010
