"""Ctrl-C and a closed terminal before there is any load: prompt, said, and nothing stays."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from harness.store.read import read_run
from tests.support.command import PROOFLOAD, run_directory, start, wait_for
from tests.support.remains import remains

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("moment", "number", "said"),
    [
        ("application: schema", signal.SIGINT, "Ctrl-C"),
        ("reading back the sizes", signal.SIGHUP, "the terminal was closed"),
    ],
)
def test_an_interruption_while_the_servers_start(runs: Path, moment: str, number: signal.Signals, said: str) -> None:
    own = runs / "runs of mine"  # whose servers must bear the space in its name
    own.mkdir(mode=0o755)
    log = runs / "verify.log"
    process = start([*PROOFLOAD, "verify", "lectio", "--stage", "A", "--runs", str(own)], log)
    wait_for(lambda: moment in log.read_text(), 60, process, log)
    asked = time.monotonic()
    process.send_signal(number)
    assert process.wait(60) == 11, log.read_text()
    assert time.monotonic() - asked < 15
    run = run_directory(own)
    assert run is not None
    assert remains(run) == []
    evidence = read_run(run)
    end = next(event for event in evidence.events if event.name == "run-end")
    assert end.detail["reason"] == f"interrupted: {said}"
    assert json.loads((run / "verdicts.json").read_text())["outcome"] == "INCONCLUSIVE"
    assert said in log.read_text()
    assert not (own / ".stacks").exists()
