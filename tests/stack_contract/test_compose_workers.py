"""Workers in containers take part in a run of this host: as compose.yaml starts them, closed as it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.oracle.launch import start
from harness.stack.compose_engine import environment
from harness.stack.compose_render import COMPOSE_FILE
from harness.stack.ports import free_ports
from tests.stack_contract.engine import no_worker
from tests.support.command import PROJECT, proofload
from tests.support.expecting import OF_A_BUSY_MACHINE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `docker compose` alone needs, with the workers' token."""
    if why := no_worker():
        pytest.skip(why)
    proofload("stack", "render", "lectio", "--stage", "A", "--to", str(tmp_path / "stack"), exit_code=0)
    return tmp_path / "stack"


@pytest.fixture
def master(folder: Path) -> Iterator[str]:
    """Where the master will be; whatever was started for it is gone afterwards."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    yield address
    compose(folder, address, "--profile=worker", "down", "--volumes", "--timeout=5")


def compose(folder: Path, master: str, *words: str) -> str:
    return subprocess.run(
        ["docker", "compose", f"--env-file={folder}/stack.env", f"--file={COMPOSE_FILE}", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**environment(), "MASTER": master},
        check=True,
    ).stdout


def test_two_workers_in_containers_carry_a_load(folder: Path, master: str, tmp_path: Path) -> None:
    with start("mmc", servers=2, service_seconds=0.010) as server:
        run = subprocess.Popen(
            [sys.executable, "-m", "tests.support.expecting", server.url, master, "2", str(tmp_path / "runs")],
            cwd=PROJECT,
            env={
                **os.environ,
                "PYTHONPATH": str(PROJECT),
                "PROOFLOAD_WORKER_TOKEN_FILE": str(folder / "secrets/worker-token"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            # They are patient with a master that is not there yet.
            compose(folder, master, "up", "--detach", "--no-build", "--no-deps", "--scale=worker=2", "worker")
            text, _ = run.communicate(timeout=120)
        finally:
            run.kill()
            run.wait()
    said = compose(folder, master, "logs", "worker")
    assert run.returncode == 0, text + said
    assert "2 of 2 workers came: " in text
    assert (folder / "secrets/worker-token").read_text().strip() not in text + said
    verdict = json.loads(text.splitlines()[-1])
    assert {check for check, *_ in verdict["failed"]} <= OF_A_BUSY_MACHINE, text
    ended = [json.loads(line) for line in compose(folder, master, "ps", "--all", "--format=json").splitlines()]
    assert [each["ExitCode"] for each in ended] == [0, 0], said
