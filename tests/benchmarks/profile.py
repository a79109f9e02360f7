"""Where the generator's time goes, by py-spy's samples of the closed loop and of the open model."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.store.jsonl import write_whole
from harness.store.layout import RunDirectory
from tests.benchmarks.flat_out import locust_command
from tests.benchmarks.open_model import plan_of
from tests.benchmarks.peers import peer
from tests.benchmarks.processes import BenchError, Program, program, until
from tests.benchmarks.servers import nginx
from tests.benchmarks.setting import Setting

SECONDS = 8
PLACES = 16
_PER_SECOND = 500
_SEEN = {"PROOFLOAD_COMPILED": "no"}  # py-spy does not see functions of machine code
_FRAME = re.compile(r"(?P<function>\S+) \((?P<path>.+?)(?::\d+)?\)$")


def own_times(stacks: Iterable[str]) -> tuple[int, list[tuple[str, float]]]:
    """How many samples, and the functions by their share of them, the largest first.

    stacks: py-spy's raw format, ``outer (file:line);…;inner (file:line) count`` a line.
    """
    places: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.strip().rpartition(" ")
        frame = _FRAME.match(stack.rpartition(";")[2])
        if frame:
            places[f"{_short(frame['path'])} {frame['function']}"] += int(count)
    samples = places.total()
    return samples, [(place, count / samples) for place, count in places.most_common()]


def _short(path: str) -> str:
    """From the package on: ``harness/loadgen/recorder.py``, ``gevent/hub.py``."""
    for mark in ("site-packages/", "harness/", "tests/"):
        _, found, after = path.rpartition(mark)
        if found:
            return after if mark == "site-packages/" else mark + after
    return Path(path).name


def profile(setting: Setting, rate: float) -> list[dict[str, Any]]:
    """Both loads, as performance.json keeps them. Raises BenchError."""
    spy = peer("py-spy").path
    if spy is None:
        raise BenchError(f"missing: {peer('py-spy').install}")
    closed = setting.path("run-profile")
    with nginx(setting) as server:
        command = locust_command("ours.py", server.url, 50, "Get")
        log = setting.path("profile.log")
        with program(command, setting.generator_core, log, {"BENCH_RUN": str(closed), **_SEEN}) as running:
            until(lambda: server.counted() > 200, 60.0, running)
            first = _spied(setting, spy, running, "GET in the closed loop, 50 users")
        run = RunDirectory(setting.path("run-profile"))
        run.path.mkdir()
        write_whole(run.plan, plan_of(rate, SECONDS + 8))
        command = locust_command("ours_open.py", server.url, 300)
        before = server.counted()
        with program(command, setting.generator_core, log, {"PROOFLOAD_RUN": str(run.path), **_SEEN}) as running:
            until(lambda: server.counted() > before + 200, 60.0, running)
            second = _spied(setting, spy, running, f"open model at {rate:,.0f}/s, 300 users")
    return [first, second]


def _spied(setting: Setting, spy: Path, running: Program, what: str) -> dict[str, Any]:
    out = setting.path("stacks")
    command = [spy, "record", "-p", str(running.pid), "-d", str(SECONDS), "-r", str(_PER_SECOND)]
    done = subprocess.run(
        [*command, "-f", "raw", "-o", out, "--nonblocking"],
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        check=False,
    )
    if done.returncode or not out.exists():
        raise BenchError(f"py-spy: {done.stderr.strip()[-200:]}")
    samples, places = own_times(out.read_text().splitlines())
    return {"what": what, "samples": samples, "places": places[:PLACES]}
