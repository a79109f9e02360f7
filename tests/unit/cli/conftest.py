"""A command line as a person types it, in this process."""

from __future__ import annotations

import pytest

from harness.cli.main import run


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
