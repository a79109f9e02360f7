"""``proofload`` in a process of its own, as a person starts it, and looks at what it has come to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from harness.model.plan import LevelName, PhaseName

PROJECT = Path(__file__).resolve().parents[2]
PROOFLOAD = (sys.executable, "-P", "-m", "harness.cli.main")


def start(arguments: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A command in the background, its output in a file."""
    whole = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1", **environment}
    with log.open("wb") as output:
        return subprocess.Popen(arguments, stdout=output, stderr=output, cwd=PROJECT, env=whole)


def wait_for(condition: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes], log: Path) -> None:
    """Poll until the condition holds; fails with the log when the time is over or the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = process.poll()
        assert ended is None, f"ended early with {ended}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"not within {seconds} s:\n{log.read_text()}"
        time.sleep(0.1)


def run_directory(runs: Path) -> Path | None:
    """The only run of the folder, once its manifest is written."""
    return next((folder.parent for folder in runs.glob("*/manifest.json")), None)


def phase_began(runs: Path, level: LevelName, phase: PhaseName) -> bool:
    """Whether the generator has written that it entered the phase."""
    run = run_directory(runs)
    if run is None or not (run / "events.jsonl").exists():
        return False
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines() if line.endswith("}")]
    return any(
        event["name"] == "phase" and event["detail"].get("level") == level and event["detail"].get("phase") == phase
        for event in events
    )


def proofload(*arguments: str, exit_code: int) -> str:
    """A command to its end; its output."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}
    done = subprocess.run(
        [*PROOFLOAD, *arguments], capture_output=True, text=True, cwd=PROJECT, env=environment, timeout=90
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout
