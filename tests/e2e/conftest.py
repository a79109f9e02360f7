"""Where the runs of these tests go."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import PROJECT, PROOFLOAD


@pytest.fixture
def runs() -> Iterator[Path]:
    """A runs' folder that the servers' user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="proofload-test-"))
    folder.chmod(0o755)
    yield folder
    subprocess.run([*PROOFLOAD, "stack", "down", "--runs", str(folder)], check=True, cwd=PROJECT, timeout=60)
    shutil.rmtree(folder)
