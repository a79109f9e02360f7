"""The log of what was really done."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.oracle.log import Log, Served, capacity_per_second, read_served

ROWS = (Served(1.0, 1.0, 1.01, 1.0105, 200), Served(1.2, 1.5, 1.53, 1.5301, 200), Served(2.0, 2.0, 2.0, 2.0, 503))


def test_rows_come_back(tmp_path: Path):
    log = Log(tmp_path / "log.jsonl")
    log.add(ROWS[0])
    log.flush()
    log.add(ROWS[1])
    log.add(ROWS[2])
    log.close()
    log.close()
    assert read_served(tmp_path / "log.jsonl") == ROWS


def test_what_a_row_says():
    assert ROWS[0].service_seconds == pytest.approx(0.01)
    assert ROWS[0].overshoot_seconds == pytest.approx(0.0005)
    assert ROWS[1].response_seconds == pytest.approx(0.3301)


def test_the_capacity_is_that_of_the_service_times_that_happened():
    assert capacity_per_second(ROWS, 2) == pytest.approx(2 / 0.02)
    with pytest.raises(ValueError, match="nothing was served"):
        capacity_per_second(ROWS[2:], 2)


def test_without_a_path_nothing_is_kept():
    log = Log(None)
    log.add(ROWS[0])
    log.close()
