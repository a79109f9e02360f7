"""One stack for all tests of the reference application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.refapp_stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running
