"""docs/locustfiles.md is true: its example is a class of the real base, and the options that it names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/locustfiles.md").read_text()

LOOK = """
import inspect, sys
from harness.loadgen.http_client.session import Session
names = sys.argv[1].split()
known = set(inspect.signature(Session.request).parameters) | set(dir(Session))
assert not set(names) - known, set(names) - known
"""


def test_the_example_and_the_options(tmp_path):
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    options = re.search(r"`self.client` has (.*?);", PAGE, re.DOTALL)
    assert example and options
    names = [name for name in re.findall(r"`(\w+)`", options[1]) if name != "FastHttpSession"]
    assert len(names) > 15
    code = example[1] + "\nassert Visitor.tasks and not Visitor.abstract\n" + LOOK
    # Importing locust patches the process that does it: in one of its own.
    done = subprocess.run(
        [sys.executable, "-c", code, " ".join(names)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
