from __future__ import annotations

import os

import pytest

from harness.stack.proc import (
    ProcessKey,
    ProcessState,
    all_states,
    boot_id,
    children_of,
    command_line,
    descendants,
    has_environment,
    is_alive,
    myself,
    parse_stat,
)
from tests.unit.stack.fake_proc import BOOT, FakeProc


@pytest.mark.parametrize("name", ["redis-server", "postgres: a b", ":) (", "a) S 1 1"])
def test_a_name_may_hold_anything(name: str) -> None:
    rest = " ".join(["0"] * 17)
    assert parse_stat(f"42 ({name}) R 7 {rest} 12345 0") == ProcessState(ProcessKey(42, 12345), 7, "R")


def test_a_reused_id_is_another_process(fake_proc: FakeProc) -> None:
    fake_proc.add(42, start=100)
    assert is_alive(ProcessKey(42, 100), fake_proc.path)
    assert not is_alive(ProcessKey(42, 99), fake_proc.path)
    assert not is_alive(ProcessKey(43, 100), fake_proc.path)


def test_remains_are_not_alive(fake_proc: FakeProc) -> None:
    fake_proc.add(42, state="Z")
    assert not is_alive(ProcessKey(42, 100), fake_proc.path)
    assert all_states(fake_proc.path) == {}


def test_descendants_at_any_depth_and_no_one_else(fake_proc: FakeProc) -> None:
    for pid, parent in ((10, 1), (11, 10), (12, 11), (20, 1), (21, 20)):
        fake_proc.add(pid, parent=parent)
    states = all_states(fake_proc.path)
    assert descendants([10, 99], states) == {10, 11, 12}
    assert children_of(10, fake_proc.path) == (11,)


def test_the_environment_is_compared_whole(fake_proc: FakeProc) -> None:
    fake_proc.add(42, environment=("PROOFLOAD_STACK=run-1", "PATH=/bin"), arguments=("a", "b c"))
    assert has_environment(42, "PROOFLOAD_STACK=run-1", fake_proc.path)
    assert not has_environment(42, "PROOFLOAD_STACK=run", fake_proc.path)
    assert not has_environment(43, "PROOFLOAD_STACK=run-1", fake_proc.path)
    assert command_line(42, fake_proc.path) == ("a", "b c")
    assert command_line(43, fake_proc.path) == ()


def test_this_process_and_this_boot(fake_proc: FakeProc) -> None:
    assert myself().pid == os.getpid()
    assert is_alive(myself())
    assert boot_id(fake_proc.path) == BOOT
