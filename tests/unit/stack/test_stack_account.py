from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.stack.account import Account, can_traverse, data_folder, make_folder, make_passage, write_private

STRANGER = Account("stranger", 54321, 54321)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_closed_folder_anywhere_on_the_way_stops_another_user(open_folder: Path) -> None:
    inner = open_folder / "closed/inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o755)
    inner.chmod(0o755)
    assert can_traverse(inner, STRANGER)
    (open_folder / "closed").chmod(0o700)
    assert not can_traverse(inner, STRANGER)
    owner = (open_folder / "closed").stat()
    assert can_traverse(inner, Account("me", owner.st_uid, owner.st_gid))


def test_data_goes_into_the_run_where_the_servers_can_reach_it(open_folder: Path) -> None:
    run = open_folder / "run"
    run.mkdir()
    run.chmod(0o755)
    assert data_folder(run / "stack", STRANGER, "run-1") == run / "stack"
    run.chmod(0o700)
    elsewhere = data_folder(run / "stack", STRANGER, "run-1")
    assert elsewhere.name.startswith("proofload-run-1-")
    assert elsewhere != data_folder(run / "stack", STRANGER, "run-1")  # nobody can guess it
    assert not elsewhere.exists()
    assert data_folder(run / "stack", None, "run-1") == run / "stack"


def test_a_passage_is_one_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_passage(tmp_path / "passage")
    finally:
        os.umask(before)
    assert (tmp_path / "passage").stat().st_mode & 0o777 == 0o711


def test_private_means_private(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "folder", None).stat().st_mode & 0o777 == 0o700
    file = write_private(tmp_path / "folder/secret", "x", None)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "x"


def test_the_account_is_entered_without_any_other_group() -> None:
    assert STRANGER.prefix() == ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--")
