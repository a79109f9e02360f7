"""What recording costs for each request, in a process of its own on the generator's core."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.benchmarks.processes import BenchError, program
from tests.benchmarks.setting import Setting

_CALLS = 500_000


def microseconds(setting: Setting) -> float:
    """The row and both clock readings, in microseconds for a request. Raises BenchError."""
    path = Path(__file__).parent / "programs" / "recording_cost.py"
    log = setting.path("recording.log")
    command: list[str | Path] = [sys.executable, path, str(_CALLS // 50 if setting.small else _CALLS)]
    with program(command, setting.generator_core, log) as running:
        if running.wait(60):
            raise BenchError(running.last_words())
    return float(json.loads(log.read_text())["seconds"]) * 1e6
