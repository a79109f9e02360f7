"""What is said of a generator that ended too early. None is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.experiment.generator import Generator
from harness.model.samples import Event
from harness.store.jsonl import Appender
from harness.store.layout import RunDirectory


@pytest.fixture
def generator(tmp_path: Path) -> Generator:
    run = RunDirectory(tmp_path)
    run.logs.mkdir()
    return Generator(run, Path("flows.py"), "http://127.0.0.1:1", {})


def test_its_own_last_word_is_the_error(generator: Generator, tmp_path: Path) -> None:
    generator.log.write_text("Type  Name  50%  66%\n-----|-----|----\n")
    with Appender(RunDirectory(tmp_path).events) as lines:
        lines.append(Event(1.0, 2.0, "run-start"))
        lines.append(Event(1.0, 2.0, "generator-end", {"reason": "not started: POST /login answered HTTP 501"}))
    error = generator.crashed()
    assert error.message == "the load did not begin: POST /login answered HTTP 501"
    assert error.where == (str(generator.log),)
    assert error.exit_code == 22


def test_without_one_the_end_of_its_log_is(generator: Generator) -> None:
    generator.log.write_text("Traceback\nModuleNotFoundError: No module named 'mine'\n")
    error = generator.crashed()
    assert "ended with exit code" in error.message
    assert error.where[-1] == "ModuleNotFoundError: No module named 'mine'"


def test_one_worker_needs_no_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--master" not in started(tmp_path, monkeypatch, workers=1)[0]
    assert "PROOFLOAD_WORKERS" not in started(tmp_path, monkeypatch, workers=1)[1]


def test_several_have_one_on_loopback_at_a_free_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, environment = started(tmp_path, monkeypatch, workers=3)
    at = command.index("--master")
    assert command[at:] == [
        *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0", "--expect-workers", "3")
    ]
    assert environment["PROOFLOAD_WORKERS"] == "3"


def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment that a generator is started with."""
    seen: list[tuple[list[str], dict[str, str]]] = []

    def start(command: list[str], *, env: dict[str, str], **_: object) -> None:
        seen.append((command, env))

    monkeypatch.setattr("harness.experiment.child.subprocess.Popen", start)
    (tmp_path / "logs").mkdir(exist_ok=True)
    Generator(RunDirectory(tmp_path), Path("flows.py"), "http://127.0.0.1:1", {}, workers).start()
    return seen[0]
