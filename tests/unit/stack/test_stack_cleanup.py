from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

import harness.stack.cleanup
from harness.errors import StackError
from harness.stack.cleanup import (
    GRACE_SECONDS,
    POLL_SECONDS,
    clean_up,
    end_commands,
    end_processes,
    owned_processes,
    take_down,
)
from harness.stack.ledger import LEDGERS, Ledger, LedgerProcess, is_orphan
from harness.stack.proc import ProcessKey, boot_id
from harness.store.jsonl import write_whole
from tests.unit.stack.fake_proc import BOOT, FakeProc

HARNESS = ProcessKey(5, 50)


def ledger_of(*processes: LedgerProcess, cgroups: tuple[Path, ...] = (), boot: str = BOOT) -> Ledger:
    return Ledger(run_id="run-1", mark="run-1", harness=HARNESS, boot=boot, cgroups=cgroups, processes=processes)


class World:
    """Time that passes only by sleeping, and processes that end by some signals."""

    def __init__(self, proc: FakeProc, *, stubborn: set[int] | None = None, immortal: set[int] | None = None) -> None:
        self.proc = proc
        self.stubborn = stubborn or set()
        self.immortal = immortal or set()
        self.now = 0.0
        self.sent: list[tuple[int, int]] = []

    def kill(self, pid: int, number: int) -> None:
        self.sent.append((pid, number))
        if not (self.proc.path / str(pid)).exists():
            raise ProcessLookupError
        if pid in self.immortal or (pid in self.stubborn and number != signal.SIGKILL):
            return
        self.proc.remove(pid)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def end(self, ledger: Ledger) -> int:
        return end_processes(ledger, proc=self.proc.path, kill=self.kill, clock=lambda: self.now, sleep=self.sleep)


def test_owned_are_the_recorded_those_in_the_cgroup_the_marked_and_their_descendants(
    fake_proc: FakeProc, tmp_path: Path
) -> None:
    cgroup = tmp_path / "cgroup"
    cgroup.mkdir()
    (cgroup / "cgroup.procs").write_text("30\n")
    fake_proc.add(10)
    fake_proc.add(11, parent=10)
    fake_proc.add(30)
    fake_proc.add(40, environment=("PROOFLOAD_STACK=run-1",))
    fake_proc.add(50, environment=("PROOFLOAD_STACK=run-2",), name="postgres")
    fake_proc.add(60, start=999)  # has the id of one that was recorded
    ledger = ledger_of(
        LedgerProcess("postgres", ProcessKey(10, 100)), LedgerProcess("nginx", ProcessKey(60, 100)), cgroups=(cgroup,)
    )
    assert owned_processes(ledger, fake_proc.path) == {10, 11, 30, 40}


def test_after_a_new_boot_recorded_ids_mean_nothing(fake_proc: FakeProc) -> None:
    fake_proc.add(10)
    ledger = ledger_of(LedgerProcess("postgres", ProcessKey(10, 100)), boot="another")
    assert owned_processes(ledger, fake_proc.path) == set()


def test_the_application_ends_before_the_servers_that_back_it(fake_proc: FakeProc) -> None:
    for pid in (10, 11, 12):
        fake_proc.add(pid)
    world = World(fake_proc)
    ledger = ledger_of(
        LedgerProcess("postgres", ProcessKey(10, 100), signal.SIGQUIT, backing=True),
        LedgerProcess("gunicorn", ProcessKey(11, 100), signal.SIGQUIT),
        LedgerProcess("nginx", ProcessKey(12, 100), signal.SIGTERM),
    )
    assert world.end(ledger) == 3
    assert world.sent == [(12, signal.SIGTERM), (11, signal.SIGQUIT), (10, signal.SIGQUIT)]
    assert world.now == 0.0


def test_who_does_not_end_in_time_is_killed_with_its_children(fake_proc: FakeProc) -> None:
    fake_proc.add(10)
    fake_proc.add(11, parent=10)
    world = World(fake_proc, stubborn={10, 11})
    assert world.end(ledger_of(LedgerProcess("celery", ProcessKey(10, 100)))) == 2
    assert world.sent[0] == (10, signal.SIGTERM)
    assert set(world.sent[1:]) == {(10, signal.SIGKILL), (11, signal.SIGKILL)}
    assert world.now == pytest.approx(GRACE_SECONDS, abs=3 * POLL_SECONDS)


def test_one_that_ends_by_itself_meanwhile_is_no_mistake(fake_proc: FakeProc) -> None:
    fake_proc.add(10)

    class Vanishing(World):
        def kill(self, pid: int, number: int) -> None:
            self.proc.remove(pid)
            raise ProcessLookupError

    assert Vanishing(fake_proc).end(ledger_of(LedgerProcess("celery", ProcessKey(10, 100)))) == 1


def test_one_that_survives_everything_is_named(fake_proc: FakeProc) -> None:
    fake_proc.add(10)
    with pytest.raises(StackError) as caught:
        World(fake_proc, immortal={10}).end(ledger_of(LedgerProcess("celery", ProcessKey(10, 100))))
    assert caught.value.where == ("process 10",)


def test_nobody_else_is_touched(fake_proc: FakeProc) -> None:
    fake_proc.add(10)
    fake_proc.add(20, name="postgres", arguments=("postgres", "-D", "run-1"))
    world = World(fake_proc)
    world.end(ledger_of(LedgerProcess("postgres", ProcessKey(10, 100))))
    assert {pid for pid, _ in world.sent} == {10}
    assert (fake_proc.path / "20").exists()


def test_a_stack_is_orphaned_when_its_harness_is_dead_unless_it_is_meant_to_stay(fake_proc: FakeProc) -> None:
    ledger = ledger_of()
    assert is_orphan(ledger, boot=BOOT, proc=fake_proc.path)
    assert not is_orphan(replace(ledger, detached=True), boot=BOOT, proc=fake_proc.path)
    fake_proc.add(HARNESS.pid, start=HARNESS.start_ticks)
    assert not is_orphan(ledger, boot=BOOT, proc=fake_proc.path)
    assert is_orphan(ledger, boot="another", proc=fake_proc.path)
    fake_proc.add(HARNESS.pid, start=HARNESS.start_ticks + 1)  # its id is someone else's now
    assert is_orphan(ledger, boot=BOOT, proc=fake_proc.path)


def test_what_belongs_to_another_user_is_said_and_stays_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = tmp_path / "ledger.json"
    path.write_text("{}")

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(harness.stack.cleanup.shutil, "rmtree", refuse)
    ledger = replace(ledger_of(boot=boot_id()), mark=f"run-{tmp_path.name}", folders=(folder,))
    with pytest.raises(StackError, match="Permission denied") as caught:
        take_down(path, ledger)
    assert caught.value.where == (str(folder),)
    assert "proofload stack down" in caught.value.hint
    assert path.exists()


def test_a_stack_whose_ledger_has_gone_is_taken_down_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = replace(ledger_of(boot=boot_id()), mark=f"run-{tmp_path.name}", folders=(folder,))
    take_down(tmp_path / "gone" / "ledger.json", ledger)
    assert not folder.exists()


def container_ledger(runs: Path) -> Path:
    path = runs / LEDGERS / "run-1.json"
    path.parent.mkdir(parents=True)
    write_whole(path, replace(ledger_of(boot="another boot"), containers="proofload-ab12"))
    return path


def test_containers_go_with_their_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Path | None]] = []

    def remove(project: str, logs: Path | None = None) -> int:
        asked.append((project, logs))
        return 6

    monkeypatch.setattr("harness.stack.cleanup.remove_project", remove)
    path = container_ledger(tmp_path)
    (removed,) = clean_up(tmp_path)
    assert removed.containers == 6
    assert asked == [("proofload-ab12", tmp_path / "run-1/logs")]
    assert not path.exists()


def test_an_engine_that_does_not_answer_keeps_nobody_from_starting_and_is_said_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(project: str, logs: Path | None = None) -> int:
        raise StackError("the containers cannot be removed")

    monkeypatch.setattr("harness.stack.cleanup.remove_project", remove)
    path = container_ledger(tmp_path)
    assert clean_up(tmp_path) == ()
    assert path.exists(), "they are still to be removed"
    with pytest.raises(StackError, match="cannot be removed"):
        clean_up(tmp_path, live=True)


def test_commands_that_outlived_their_harness_are_killed_before_containers_go(fake_proc: FakeProc) -> None:
    world = World(fake_proc)
    fake_proc.add(20, environment=("PROOFLOAD_STACK=run-1",))
    fake_proc.add(21, environment=("PROOFLOAD_STACK=run-12",))
    end_commands(ledger_of(), proc=fake_proc.path, kill=world.kill)
    assert [pid for pid, _ in world.sent] == [20]
