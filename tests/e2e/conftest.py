"""Where the runs of these tests go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runs import runs_folder


@pytest.fixture
def runs() -> Iterator[Path]:
    """A folder of the test's own."""
    with runs_folder() as folder:
        yield folder
