"""The compiled hot path does what its sources do: their own tests, run again with machine code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import compiled

ROOT = Path(__file__).parents[2]

TESTS = (
    "tests/loadgen/test_socketio_wire.py",
    "tests/loadgen/test_socketio_contract.py",
    "tests/properties/test_socketio_fuzz.py",
    "tests/unit/loadgen/test_frames.py",
    "tests/unit/loadgen/test_lookout.py",
    "tests/unit/loadgen/test_packets.py",
    "tests/unit/loadgen/test_recorder.py",
    "tests/unit/loadgen/test_websocket.py",
)
"""Those that put nothing of their own in a compiled class's place."""


def run(*words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PROOFLOAD_COMPILED": "yes"}
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def built():
    if compiled.state() not in ("compiled", compiled.CAN_BE_COMPILED):
        pytest.skip(f"not compiled: {compiled.state()}")
    made = subprocess.run([sys.executable, ROOT / "scripts" / "compile"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


def test_every_module_that_can_be_is_compiled(built):
    names = [source.removesuffix(".py").replace("/", ".") for source in compiled.SOURCES]
    found = run("-c", f"import importlib\nfor name in {names}: print(importlib.import_module(name).__file__)")
    assert found.returncode == 0, found.stderr
    files = found.stdout.split()
    assert len(files) == len(names)
    assert all(Path(file).suffix == ".so" and Path(file).is_relative_to(compiled.folder()) for file in files)


@pytest.mark.timeout(300)
def test_its_own_tests_pass_on_machine_code(built):
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    assert tested.returncode == 0, tested.stdout[-4000:]
