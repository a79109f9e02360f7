"""However many workers offer a load, and wherever they are: the same measurements, or a run that says it is INVALID."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.analysis.judge import judge
from harness.experiment.run import execute
from harness.experiment.settings import StopRequest
from harness.model.verdict import RunVerdict
from harness.oracle.launch import start
from harness.store.read import read_run
from tests.oracle.test_oracle_pipeline import Watcher, honest
from tests.support.command import PROJECT
from tests.support.expecting import OF_A_BUSY_MACHINE, settings_for
from tests.support.hosts import Hosts, why_not

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
WORKERS = (1, 2, 4)
LEVELS = ("normal", "peak")
TOKEN = "what only these tests know"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, RunVerdict]:
    """Of the same load with one, two and four workers, each on a server of its own that draws the same times."""
    found = {}
    for workers in WORKERS:
        with start("mmc", servers=2, service_seconds=0.010) as server:
            settings = replace(settings_for(server.url, tmp_path_factory.mktemp("runs")), workers=workers)
            found[workers] = judge(read_run(execute(settings, Watcher(honest), StopRequest()).path))
    return found


@pytest.mark.parametrize("level", LEVELS)
def test_the_measurements_agree_within_their_intervals(verdicts: dict[int, RunVerdict], level: str) -> None:
    told = []
    for workers, verdict in verdicts.items():
        cell = verdict.cell("response-time", level)
        assert cell is not None
        assert set(cell.tainted_by) <= OF_A_BUSY_MACHINE, (workers, cell.reason)
        measured = cell.measurement
        assert measured is not None
        assert measured.lower is not None
        assert measured.upper is not None
        told.append((workers, measured.lower, measured.value, measured.upper, measured.n))
    assert len({n for *_, n in told}) == 1, told
    assert max(lower for _, lower, *_ in told) <= min(upper for *_, upper, _ in told), told


@pytest.mark.parametrize("workers", WORKERS)
def test_all_that_was_planned_was_carried_and_kept(verdicts: dict[int, RunVerdict], workers: int) -> None:
    verdict = verdicts[workers]
    assert {check.id for check in verdict.checks if check.passed is False} <= OF_A_BUSY_MACHINE
    for level in LEVELS:
        carried = verdict.cell("load-carried", level)
        assert carried is not None
        assert carried.measurement is not None
        assert carried.measurement.value == 1.0


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Callable[..., tuple[Hosts, subprocess.Popen[str], list[subprocess.Popen[str]]]]]:
    """A run that waits on host 1, its server there too, and a worker each on hosts 2 and 3."""
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as last:
        found = Hosts()
        last.callback(found.close)
        for _ in range(3):
            found.add()

        def popen(host: int, *command: str, **environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*found.on(host), sys.executable, "-m", *command],
                cwd=PROJECT,
                env={**os.environ, "PYTHONPATH": str(PROJECT), "PROOFLOAD_WORKER_TOKEN": TOKEN, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            last.callback(process.wait)
            last.callback(lambda: process.poll() is None and process.kill())
            assert process.stdout is not None
            last.callback(process.stdout.close)
            return process

        def begin() -> tuple[Hosts, subprocess.Popen[str], list[subprocess.Popen[str]]]:
            oracle = popen(1, "harness.cli.main", "oracle", "mmc", "--servers", "2", "--service-ms", "10")
            assert oracle.stdout is not None
            url = next(word for line in oracle.stdout for word in line.split() if word.startswith("http://"))
            address = found.address(1)
            way = ("tests.support.delaying_proxy", address, "127.0.0.1", str(urlsplit(url).port), "0", "0", "0")
            proxy = popen(1, *way)
            assert proxy.stdout is not None
            target = f"http://{address}:{int(proxy.stdout.readline())}"
            run = popen(1, "tests.support.expecting", target, address, "2", str(tmp_path))
            workers = [popen(host, "harness.cli.main", "worker", "--master", address) for host in (2, 3)]
            return found, run, workers

        yield begin


def finish(run: subprocess.Popen[str], on_line: Callable[[str], None]) -> dict[str, Any]:
    assert run.stdout is not None
    lines = []
    for line in run.stdout:
        lines.append(line)
        on_line(line)
    assert run.wait(30) == 0, "".join(lines)
    verdict: dict[str, Any] = json.loads(lines[-1])
    return {**verdict, "text": "".join(lines)}


def test_a_run_with_workers_of_two_hosts_is_believed(hosts) -> None:
    _, run, workers = hosts()
    verdict = finish(run, lambda _: None)
    assert "2 of 2 workers came: " in verdict["text"]
    assert TOKEN not in verdict["text"]
    assert {check for check, *_ in verdict["failed"]} <= OF_A_BUSY_MACHINE
    assert [worker.wait(20) for worker in workers] == [0, 0]


def test_a_host_that_is_cut_off_makes_the_run_invalid(hosts) -> None:
    found, run, workers = hosts()

    def cut_later(line: str) -> None:
        if "2 of 2 workers came" in line:
            threading.Timer(8.0, found.cut, (3,)).start()

    verdict = finish(run, cut_later)
    assert verdict["outcome"] == "INVALID"
    assert {check for check, *_ in verdict["failed"]} >= {"worker-lost"}
    assert "was lost (not heard of any more): INVALID from here on" in verdict["text"]
    assert workers[0].wait(20) == 0
    assert workers[1].wait(30) == 22
