from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.samplers.base import KernelFile, describe, growth, keyed_numbers, known, per_second, share


@pytest.mark.parametrize(
    ("now", "before", "elapsed", "expected"),
    [
        (30, 10, 2.0, 10.0),
        (10, 10, 1.0, 0.0),  # nothing happened: that is known
        (10, None, 1.0, None),  # the first sample
        (3, 10, 1.0, None),  # a restart
        (30, 10, 0.0, None),  # no time between
    ],
)
def test_a_rate_is_known_or_left_out(now: float, before: float | None, elapsed: float, expected: float | None) -> None:
    assert per_second(now, before, elapsed) == expected


def test_growth_after_a_restart_is_unknown() -> None:
    assert growth(7, 5) == 2
    assert growth(5, 7) is None


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(1, 4, 0.25), (0, 4, 0.0), (None, 4, None), (1, None, None), (0, 0, None)]
)
def test_a_share_of_nothing_is_unknown(part: float | None, whole: float | None, expected: float | None) -> None:
    assert share(part, whole) == expected


def test_only_what_is_known_is_kept() -> None:
    assert known({"a": 0, "b": None, "c": math.nan, "d": math.inf, "e": 1.5}) == {"a": 0.0, "e": 1.5}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "connecting to redis://:hunter2@127.0.0.1:1/0 failed",
            "RuntimeError: connecting to redis://…@127.0.0.1:1/0 failed",
        ),
        ("postgresql://lectio:hunter2@/db", "RuntimeError: postgresql://…@/db"),
        ("host=x password=hunter2 dbname=y", "RuntimeError: host=x password=… dbname=y"),
        ("password='hunter2 hunter2' dbname=y", "RuntimeError: password=… dbname=y"),
        ("first line\nsecond line with hunter2", "RuntimeError: first line"),
        ("", "RuntimeError"),
    ],
)
def test_a_reason_names_the_error_without_any_password(message: str, expected: str) -> None:
    assert describe(RuntimeError(message)) == expected


def test_a_reason_is_short() -> None:
    assert len(describe(ValueError("x" * 1000))) < 140


def test_a_kernel_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "stat"
    path.write_text("one")
    file = KernelFile(path)
    assert file.read() == b"one"
    path.write_text("three")
    assert file.read() == b"three"
    file.close()
    assert file.read() == b"three"
    file.close()


def test_a_kernel_file_can_be_read_up_to_what_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "tcp"
    path.write_bytes(b"aaaabbbbcccc")
    file = KernelFile(path)
    assert file.read(until=lambda chunk: chunk == b"bbbb", chunk_bytes=4) == b"aaaabbbb"
    file.close()


def test_a_kernel_file_that_is_missing_may_come_later(tmp_path: Path) -> None:
    file = KernelFile(tmp_path / "pressure")
    assert file.read_if_there() is None
    with pytest.raises(FileNotFoundError):
        file.read()
    (tmp_path / "pressure").write_text("some")
    assert file.read_if_there() == b"some"
    file.close()


def test_closing_a_kernel_file_returns_its_descriptor(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("one")
    before = len(list(Path("/proc/self/fd").iterdir()))
    file = KernelFile(tmp_path / "stat")
    file.read()
    file.close()
    file.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_keyed_numbers() -> None:
    assert keyed_numbers(b"MemTotal:  24 kB\nHugePages_Total: 0\nnr_periods 7\n\n") == {
        "MemTotal": 24,
        "HugePages_Total": 0,
        "nr_periods": 7,
    }
