"""How a locust child is started and ended. None is started here."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.experiment import child as module
from harness.experiment.child import PROJECT, STOP_PATIENCE_SECONDS, LocustChild


class FakeProcess:
    """Stands in for a process. stubborn: it ends when killed, and not before."""

    pid = 4711

    def __init__(self, stubborn: bool = False) -> None:
        self.stubborn = stubborn
        self.code: int | None = None
        self.heard: list[str] = []

    def poll(self) -> int | None:
        return self.code

    def send_signal(self, number: int) -> None:
        self.heard.append(signal.Signals(number).name)
        if not self.stubborn:
            self.code = -number

    def kill(self) -> None:
        self.heard.append("SIGKILL")
        self.code = -signal.SIGKILL

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None:
            assert timeout == STOP_PATIENCE_SECONDS
            raise subprocess.TimeoutExpired("locust", timeout)
        return self.code


@pytest.fixture
def child(tmp_path: Path) -> LocustChild:
    return LocustChild(Path("flows.py"), ("--host", "http://h"), {"A": "1", "PYTHONPATH": "/mine"}, tmp_path / "log")


def start(
    child: LocustChild, monkeypatch: pytest.MonkeyPatch, process: FakeProcess
) -> tuple[list[str], dict[str, Any]]:
    seen: list[tuple[list[str], dict[str, Any]]] = []

    def popen(command: list[str], **how: Any) -> FakeProcess:
        seen.append((command, how))
        return process

    monkeypatch.setattr(module.subprocess, "Popen", popen)
    child.start()
    return seen[0]


def test_it_finds_our_sources_and_is_out_of_reach_of_ctrl_c(
    child: LocustChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, how = start(child, monkeypatch, FakeProcess())
    assert command[command.index("--locustfile") :] == [
        *("--locustfile", "flows.py", "--headless", "--exit-code-on-error", "0", "--host", "http://h")
    ]
    assert how["env"] == {"A": "1", "PYTHONPATH": f"{PROJECT}{os.pathsep}/mine"}
    assert (PROJECT / "pyproject.toml").is_file()
    assert how["cwd"] == PROJECT
    assert how["start_new_session"]


def test_it_needs_no_path_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, how = start(LocustChild(Path("flows.py"), (), {}, tmp_path / "log"), monkeypatch, FakeProcess())
    assert how["env"] == {"PYTHONPATH": str(PROJECT)}


def test_before_the_start_there_is_nothing_to_ask_and_nothing_to_end(child: LocustChild) -> None:
    assert child.poll() is None
    child.stop()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = child.pid


def test_it_is_asked_to_end(child: LocustChild, monkeypatch: pytest.MonkeyPatch) -> None:
    process = FakeProcess()
    start(child, monkeypatch, process)
    assert (child.pid, child.poll()) == (4711, None)
    child.stop()
    assert process.heard == ["SIGTERM"]
    assert child.poll() == -signal.SIGTERM


def test_it_is_killed_once_patience_is_at_its_end(child: LocustChild, monkeypatch: pytest.MonkeyPatch) -> None:
    process = FakeProcess(stubborn=True)
    start(child, monkeypatch, process)
    child.stop()
    assert process.heard == ["SIGTERM", "SIGKILL"]


def test_one_that_has_ended_is_sent_nothing(child: LocustChild, monkeypatch: pytest.MonkeyPatch) -> None:
    process = FakeProcess()
    start(child, monkeypatch, process)
    process.code = 0
    child.stop()
    assert process.heard == []


def test_its_last_words_are_the_end_of_its_output(child: LocustChild) -> None:
    assert child.last_words(2) == []
    child.log.write_bytes(b"one\ntwo\nthr\xffee\n")
    assert child.last_words(2) == ["two", "thr\ufffdee"]
