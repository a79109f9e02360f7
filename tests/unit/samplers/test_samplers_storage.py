"""The disk that the data takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.storage import StorageSampler, folder_bytes, from_targets
from harness.samplers.targets import Targets


def test_data_is_compared_with_the_stages_disk(tmp_path: Path) -> None:
    data = tmp_path / "data" / "deep"
    data.mkdir(parents=True)
    (data / "table").write_bytes(b"x" * 100_000)
    storage = StorageSampler([tmp_path / "data"], disk_bytes=1e6)
    assert storage.fetch() >= 100_000
    values = storage.parse(250_000, None, 0.0)
    assert (values["disk_bytes"], values["disk_ratio"]) == (250_000, pytest.approx(0.25))


def test_without_a_planned_disk_there_is_no_share(tmp_path: Path) -> None:
    assert "disk_ratio" not in StorageSampler([tmp_path]).parse(1, None, 0.0)


def test_folders_are_measured_without_following_links_and_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "big")
    assert folder_bytes([tmp_path / "data", tmp_path / "gone"]) < 100_000
    assert folder_bytes([]) == 0


def test_made_when_there_is_something_to_look_at(tmp_path: Path) -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(data_paths=(tmp_path,))) is not None
