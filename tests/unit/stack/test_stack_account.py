from __future__ import annotations

from pathlib import Path

from harness.stack.account import Account, can_traverse, data_folder, make_folder, write_private

STRANGER = Account("stranger", 54321, 54321)


def open_up(path: Path) -> Path:
    """Folders below / that everyone can pass, whatever pytest made."""
    for place in (path, *path.parents):
        if place.stat().st_mode & 0o001 == 0:
            place.chmod(place.stat().st_mode | 0o001)
    return path


def test_a_closed_folder_anywhere_on_the_way_stops_another_user(tmp_path: Path) -> None:
    inner = tmp_path / "closed/inner"
    inner.mkdir(parents=True)
    open_up(inner)
    assert can_traverse(inner, STRANGER)
    (tmp_path / "closed").chmod(0o700)
    assert not can_traverse(inner, STRANGER)
    owner = (tmp_path / "closed").stat()
    assert can_traverse(inner, Account("me", owner.st_uid, owner.st_gid))


def test_data_goes_into_the_run_where_the_servers_can_reach_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    open_up(run)
    assert data_folder(run / "stack", STRANGER, "run-1") == run / "stack"
    run.chmod(0o700)
    elsewhere = data_folder(run / "stack", STRANGER, "run-1")
    assert elsewhere.name.startswith("proofload-run-1-")
    assert elsewhere != data_folder(run / "stack", STRANGER, "run-1")  # nobody can guess it
    assert not elsewhere.exists()
    assert data_folder(run / "stack", None, "run-1") == run / "stack"


def test_private_means_private(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "folder", None).stat().st_mode & 0o777 == 0o700
    file = write_private(tmp_path / "folder/secret", "x", None)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "x"


def test_the_account_is_entered_without_any_other_group() -> None:
    assert STRANGER.prefix() == ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--")
