"""Where things lie in a run directory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.store.layout import create_run_directory

NOW = datetime(2026, 11, 20, 16, 50, 12, tzinfo=UTC)


def test_a_run_is_named_by_its_time_system_stage_and_kind(tmp_path: Path) -> None:
    run = create_run_directory(tmp_path / "runs", "lectio", "A", "verify", NOW)
    assert run.path.name == "2026-11-20T165012Z-lectio-A-verify"
    assert run.logs.is_dir()


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    first = create_run_directory(tmp_path, "lectio", "A", "verify", NOW)
    second = create_run_directory(tmp_path, "lectio", "A", "verify", NOW)
    assert first.path != second.path


def test_a_name_never_leaves_the_folder(tmp_path: Path) -> None:
    run = create_run_directory(tmp_path, "../../etc", "A/B", "verify", NOW)
    assert run.path.parent == tmp_path.resolve()


def test_a_folder_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, no folder")
    with pytest.raises(ConfigError) as caught:
        create_run_directory(tmp_path / "runs", "lectio", "A", "verify", NOW)
    assert caught.value.exit_code == 20
    assert "--runs" in caught.value.hint
