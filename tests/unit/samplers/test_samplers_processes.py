from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.samplers.processes import (
    CLOCK_TICKS_PER_SECOND,
    PAGE_BYTES,
    children,
    descendants,
    parse_stat,
    parse_statm,
    read_memory,
    read_times,
)

DATA = Path(__file__).parent / "data"


def test_a_recorded_process() -> None:
    text = (DATA / "proc-stat-process.txt").read_bytes()
    fields = text.split()
    times = parse_stat(text)
    assert times.pid == int(fields[0])
    assert times.own_seconds == (int(fields[13]) + int(fields[14])) / CLOCK_TICKS_PER_SECOND
    assert times.reaped_seconds == (int(fields[15]) + int(fields[16])) / CLOCK_TICKS_PER_SECOND
    assert times.started_ticks == int(fields[21])


def test_a_name_with_spaces_and_parentheses() -> None:
    text = (DATA / "proc-stat-process.txt").read_bytes()
    assert parse_stat(text.replace(b"(gunicorn)", b"(a b) 7 (c)")) == parse_stat(text)


def test_recorded_memory() -> None:
    _, resident, shared, *_ = (DATA / "proc-statm-process.txt").read_text().split()
    memory = parse_statm((DATA / "proc-statm-process.txt").read_bytes())
    assert memory.shared_bytes == int(shared) * PAGE_BYTES
    assert memory.private_bytes == (int(resident) - int(shared)) * PAGE_BYTES


@pytest.fixture
def family(tmp_path: Path) -> Path:
    """1 started 2 (from its second thread) and 3; 3 started 4; 5 has already gone."""
    for pid, tasks in {1: {1: "3", 7: "2 5"}, 2: {2: ""}, 3: {3: "4"}, 4: {4: ""}}.items():
        for task, below in tasks.items():
            folder = tmp_path / str(pid) / "task" / str(task)
            folder.mkdir(parents=True)
            (folder / "children").write_text(below)
        (tmp_path / str(pid) / "stat").write_bytes((DATA / "proc-stat-process.txt").read_bytes())
    return tmp_path


def test_children_of_every_thread(family: Path) -> None:
    assert sorted(children(1, family)) == [2, 3, 5]
    with pytest.raises(FileNotFoundError):
        children(5, family)


def test_descendants_are_those_that_are_still_there(family: Path) -> None:
    assert sorted(descendants(1, family)) == [1, 2, 3, 4]
    assert list(descendants(5, family)) == []


def test_processes_that_have_gone_are_left_out(family: Path) -> None:
    assert len(read_times([1, 5], family)) == 1
    assert read_memory([5], family) == ()
    assert len(read_memory([os.getpid()])) == 1
