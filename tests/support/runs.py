"""Where the runs of tests with real servers go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.stack.cleanup import clean_up


@contextmanager
def runs_folder() -> Iterator[Path]:
    """A folder that the servers' user can reach, unlike pytest's own. What still runs there at the end is ended."""
    folder = Path(tempfile.mkdtemp(prefix="proofload-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        clean_up(folder, live=True)
        shutil.rmtree(folder)
