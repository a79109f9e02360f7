from __future__ import annotations

from pathlib import Path

import pytest

import harness.stack.ledger
from harness.stack.ledger import LEDGERS, LedgerFile, LedgerProcess, discard_ledger, mark_of, read_ledgers
from harness.stack.proc import ProcessKey, myself


def test_every_change_is_on_disk_at_once(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "run-1")
    file.open(cgroups=(Path("/sys/fs/cgroup/x"),), folders=(tmp_path / "stack",))
    file.add(LedgerProcess("redis", ProcessKey(1, 2), 15, backing=True))
    ((path, ledger),) = read_ledgers(tmp_path)
    assert path == tmp_path / LEDGERS / "run-1.json"
    assert ledger == file.value
    assert ledger.harness == myself()
    assert ledger.environment_entry == f"PROOFLOAD_STACK={mark_of(tmp_path / 'run-1')}"
    file.announce("http://127.0.0.1:1")
    file.detach()
    ((_, ledger),) = read_ledgers(tmp_path)
    assert (ledger.base_url, ledger.detached) == ("http://127.0.0.1:1", True)
    assert ledger.processes == (LedgerProcess("redis", ProcessKey(1, 2), 15, backing=True),)


def test_a_discarded_ledger_leaves_nothing_and_others_alone(tmp_path: Path) -> None:
    first, second = LedgerFile(tmp_path / "run-1"), LedgerFile(tmp_path / "run-2")
    first.open(cgroups=(), folders=())
    second.open(cgroups=(), folders=())
    first.path.with_name("run-1.json.part").write_text("cut off")
    discard_ledger(first.path)
    assert [ledger.run_id for _, ledger in read_ledgers(tmp_path)] == ["run-2"]
    discard_ledger(second.path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_ledger_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / LEDGERS).mkdir()
    (tmp_path / LEDGERS / "broken.json").write_text("{")
    assert read_ledgers(tmp_path) == ()
    assert read_ledgers(tmp_path / "nowhere") == ()


def test_the_folder_of_ledgers_may_go_with_another_runs_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = LedgerFile(tmp_path / "run-1")
    write = harness.stack.ledger.write_whole
    removed = []

    def write_after_another_ended(path: Path, value: object) -> None:
        if not removed:
            removed.append(path.parent)
            path.parent.rmdir()
        write(path, value)

    monkeypatch.setattr(harness.stack.ledger, "write_whole", write_after_another_ended)
    ledger.open(cgroups=(), folders=())
    assert [found.run_id for _, found in read_ledgers(tmp_path)] == ["run-1"]


def test_runs_of_one_name_in_two_folders_have_two_marks() -> None:
    assert mark_of(Path("/a/run-1")) != mark_of(Path("/b/run-1"))
    assert mark_of(Path("/a/run-1")).startswith("run-1.")
