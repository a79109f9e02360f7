"""Lines that survive a crash."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from harness.errors import CorruptRun
from harness.model.samples import Distribution, Event, RequestRow
from harness.store.jsonl import Appender, Tail, decode, encode, read_lines, read_whole, write_whole

EVENTS = (Event(1.0, 2.0, "load-start"), Event(3.0, 4.0, "level", {"name": "peak"}))


def test_a_row_is_read_back_as_it_was_written() -> None:
    times = Distribution({1780: 3, 255: 1}, 4, 3.1, 1.0)
    row = RequestRow(7, "GET /", "student", "http", 3, 1, 0, 0, times, times, {0.5: 2}, {"HTTP 500": 1})
    assert decode(RequestRow, encode(row)) == row


def test_appended_lines_are_read_in_order(tmp_path: Path) -> None:
    with Appender(tmp_path / "events.jsonl") as lines:
        lines.append(EVENTS[0])
        lines.append(EVENTS[1])
    assert tuple(read_lines(tmp_path / "events.jsonl", Event)) == EVENTS


def test_a_line_cut_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(encode(event) + b"\n" for event in EVENTS)[:-9])
    assert tuple(read_lines(path, Event)) == EVENTS[:1]


def test_a_broken_line_in_the_middle_names_its_number(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(EVENTS[0]) + b'\n{"name": 3}\n' + encode(EVENTS[1]) + b"\n")
    with pytest.raises(CorruptRun) as caught:
        tuple(read_lines(path, Event))
    assert caught.value.where[0].endswith("events.jsonl:2")


def test_a_missing_file_of_lines_is_an_empty_one(tmp_path: Path) -> None:
    assert tuple(read_lines(tmp_path / "none.jsonl", Event)) == ()


def test_a_whole_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    write_whole(path, EVENTS[0])
    write_whole(path, EVENTS[1])
    assert read_whole(path, Event) == EVENTS[1]
    assert [child.name for child in tmp_path.iterdir()] == ["event.json"]


def test_a_whole_file_that_is_missing_or_wrong_is_a_corrupt_run(tmp_path: Path) -> None:
    with pytest.raises(CorruptRun, match="missing"):
        read_whole(tmp_path / "event.json", Event)
    (tmp_path / "event.json").write_text('{"name": "x"}')
    with pytest.raises(CorruptRun, match="cannot be read"):
        read_whole(tmp_path / "event.json", Event)


def test_a_tail_gives_each_line_once_and_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = Tail(path, Event)
    assert tail.read() == ()
    first, second = (encode(event) + b"\n" for event in EVENTS)
    path.write_bytes(first + second[:5])
    assert tail.read() == EVENTS[:1]
    assert tail.read() == ()
    path.write_bytes(first + second)
    assert tail.read() == EVENTS[1:]


def test_what_the_kernel_takes_in_parts_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr("harness.store.jsonl.os.write", lambda descriptor, data: write(descriptor, data[:7]))
    with Appender(tmp_path / "events.jsonl") as lines:
        lines.append(*EVENTS)
    assert tuple(read_lines(tmp_path / "events.jsonl", Event)) == EVENTS


def test_a_full_disk_tears_one_line_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    write = os.write
    left = [len(encode(EVENTS[0])) + 10]

    def full(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = write(descriptor, data[: left[0]])
        left[0] -= taken
        return taken

    with Appender(path) as lines:
        monkeypatch.setattr("harness.store.jsonl.os.write", full)
        with pytest.raises(OSError, match="No space left"):
            lines.append(*EVENTS)
        left[0] = 10_000  # somebody made room
        lines.append(EVENTS[1])
        lines.append(EVENTS[1])
    assert tuple(read_lines(path, Event)) == (EVENTS[0], EVENTS[1], EVENTS[1])


def test_a_tail_passes_over_what_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(EVENTS[0]) + b'\n{"name": 3}\n{"na\n' + encode(EVENTS[1]) + b"\n")
    assert Tail(path, Event).read() == EVENTS
