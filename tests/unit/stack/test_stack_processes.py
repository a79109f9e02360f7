"""Real little processes, no sockets."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import StackNotReady
from harness.stack.cleanup import end_processes, owned_processes
from harness.stack.ledger import LedgerFile
from harness.stack.proc import has_environment
from harness.stack.processes import READY_SECONDS, Command, PortTaken, Processes, log_tail, ready_seconds
from tests.unit.planning.test_sizing_of_stages import SIZE_A


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    file = LedgerFile(tmp_path / f"unit-{tmp_path.name}")
    file.open(cgroups=(), folders=())
    return file


@pytest.fixture
def processes(tmp_path: Path, ledger: LedgerFile) -> Iterator[Processes]:
    made = Processes(ledger, tmp_path, cgroup=None, account=None)
    yield made
    end_processes(ledger.value)
    made.reap()


def shell(tmp_path: Path, script: str) -> Command:
    return Command("server", ("/bin/sh", "-c", script), cwd=tmp_path, stop_signal=signal.SIGINT)


def test_a_started_process_is_recorded_marked_and_owned(
    tmp_path: Path, ledger: LedgerFile, processes: Processes
) -> None:
    started = processes.start(shell(tmp_path, "echo up; exec sleep 60"))
    processes.wait_until(lambda: "up" in started.log.read_text(), started)
    (recorded,) = ledger.value.processes
    assert (recorded.name, recorded.key.pid, recorded.stop_signal) == ("server", started.pid, signal.SIGINT)
    assert has_environment(started.pid, ledger.value.environment_entry)
    assert owned_processes(ledger.value) == {started.pid}


def test_the_harnesss_environment_is_not_passed_on(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFLOAD_TEST_SECRET", "x")
    started = processes.start(shell(tmp_path, "env"))
    processes.finish(started)
    assert "PROOFLOAD_TEST_SECRET" not in started.log.read_text()


def test_a_server_that_ends_says_why_without_its_secrets(tmp_path: Path, processes: Processes) -> None:
    processes.keep_secret("hunter2")
    started = processes.start(shell(tmp_path, r"echo 'bad password hunter2'; printf '\033[31mred\n'; exit 3"))
    with pytest.raises(StackNotReady, match="server ended with code 3") as caught:
        processes.wait_until(lambda: False, started)
    assert caught.value.where == ("bad password …", " [31mred")
    assert str(started.log) in caught.value.hint


@pytest.mark.parametrize(
    "line", ["bind() to 127.0.0.1:80 failed (98: Address already in use)", "Connection in use: ('127.0.0.1', 80)"]
)
def test_a_port_taken_by_another_can_be_told_apart(tmp_path: Path, processes: Processes, line: str) -> None:
    started = processes.start(shell(tmp_path, f'echo "{line}"; exit 1'))
    with pytest.raises(PortTaken):
        processes.wait_until(lambda: False, started)


def test_a_server_that_takes_too_long(tmp_path: Path, processes: Processes) -> None:
    started = processes.start(shell(tmp_path, "exec sleep 60"))
    clock = iter(range(100))
    slept: list[float] = []
    with pytest.raises(StackNotReady, match="did not answer within 5 s"):
        processes.wait_until(
            lambda: False, started, timeout_seconds=5, clock=lambda: float(next(clock)), sleep=slept.append
        )
    assert len(slept) == 4


def test_a_step_that_fails(tmp_path: Path, processes: Processes) -> None:
    with pytest.raises(StackNotReady, match="server failed with code 4"):
        processes.finish(processes.start(shell(tmp_path, "exit 4")))
    with pytest.raises(StackNotReady, match=r"server took longer than 0\.01 s"):
        processes.finish(processes.start(shell(tmp_path, "exec sleep 60")), timeout_seconds=0.01)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(f"line {number}" for number in range(100)) + "\n\n")
    assert log_tail(log, []) == tuple(f"line {number}" for number in range(88, 100))
    assert log_tail(tmp_path / "none", []) == ()


def test_whoever_waits_for_a_server_can_be_called_off(tmp_path: Path, ledger: LedgerFile) -> None:
    class CalledOff(Exception):
        pass

    def check() -> None:
        raise CalledOff

    processes = Processes(ledger, tmp_path, cgroup=None, account=None, check=check)
    started = processes.start(shell(tmp_path, "exec sleep 60"))
    try:
        with pytest.raises(CalledOff):
            processes.wait_until(lambda: False, started)
        with pytest.raises(CalledOff):
            processes.finish(started)
    finally:
        end_processes(ledger.value)
        processes.reap()


def test_many_workers_on_few_cores_get_longer() -> None:
    assert ready_seconds(SIZE_A) == READY_SECONDS
    many = replace(SIZE_A, gunicorn_workers=100, celery_default_concurrency=15, celery_heavy_workers=1)
    assert ready_seconds(replace(many, cpu_cores=2)) == 116 * 3 / 2
    assert ready_seconds(replace(many, cpu_cores=250)) == READY_SECONDS
