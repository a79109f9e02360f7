"""What all tests share."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from harness import compiled

# Tests look into the sources as they are written; what they start runs compiled, as a user's does. Asked for in the
# environment, it is the compiled modules that they test (tests/loadgen/test_compiled.py asks).
if "PROOFLOAD_COMPILED" in os.environ:
    compiled.use()
else:
    os.environ["PROOFLOAD_COMPILED"] = "no"
    compiled.use()  # decides for this process
    del os.environ["PROOFLOAD_COMPILED"]

# The same examples every time, so that a change is judged by what it changed; EXPLORE=1 looks for new ones.
settings.register_profile("proofload", derandomize=not os.environ.get("EXPLORE"))
settings.load_profile("proofload")

# Children inherit what is ignored, and Proofload heeds that: under nohup or in the background of a shell, the tests
# that send signals would wait for ever.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
