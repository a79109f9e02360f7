from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import MissingProgram
from harness.exitcodes import ExitCode
from harness.stack.programs import find_programs, newest_postgres


def test_every_missing_program_is_named_with_one_line_that_installs_them() -> None:
    def locate(name: str) -> Path | None:
        return None if name in ("postgres", "initdb", "pgbouncer", "ffmpeg") else Path("/usr/bin") / name

    with pytest.raises(MissingProgram) as caught:
        find_programs(pgbouncer=True, locate=locate)
    assert caught.value.message.endswith("postgres, initdb, ffmpeg, pgbouncer")
    assert caught.value.hint == "apt-get install --no-install-recommends postgresql ffmpeg pgbouncer"
    assert caught.value.exit_code is ExitCode.BAD_INPUT


def test_pgbouncer_may_be_missing_where_the_stage_has_none() -> None:
    programs = find_programs(pgbouncer=False, locate=lambda name: None if name == "pgbouncer" else Path("/bin") / name)
    assert programs.pgbouncer is None
    assert programs.redis_server == Path("/bin/redis-server")


def test_root_needs_the_program_that_changes_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.stack.programs.os.geteuid", lambda: 0)
    with pytest.raises(MissingProgram, match="setpriv"):
        find_programs(pgbouncer=False, locate=lambda name: None if name == "setpriv" else Path("/bin") / name)


def test_the_newest_postgres_by_number_not_by_spelling(tmp_path: Path) -> None:
    for version in ("9", "15", "17", "old"):
        (tmp_path / version / "bin").mkdir(parents=True)
    assert newest_postgres(tmp_path) == str(tmp_path / "17/bin")
    assert newest_postgres(tmp_path / "none") == ""
