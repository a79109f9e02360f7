from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import StackError
from harness.stack.appenv import STAMP, application_python, install_commands, run_install


def make(tmp_path: Path, calls: list[tuple[str, ...]]) -> Path:
    def install(command: tuple[str, ...]) -> None:
        calls.append(command)
        (tmp_path / "venv/bin").mkdir(parents=True, exist_ok=True)
        (tmp_path / "venv/bin/python").touch()

    return application_python(
        lambda _: None,
        environment={},
        folder=tmp_path / "venv",
        requirements=tmp_path / "requirements.txt",
        state=tmp_path / "state",
        install=install,
    )


def test_it_is_made_once_and_again_when_the_requirements_change(tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []
    (tmp_path / "requirements.txt").write_text("flask==1\n")
    assert make(tmp_path, calls) == tmp_path / "venv/bin/python"
    assert len(calls) == 2
    make(tmp_path, calls)
    assert len(calls) == 2
    (tmp_path / "requirements.txt").write_text("flask==2\n")
    (tmp_path / "venv/left-over").touch()
    make(tmp_path, calls)
    assert len(calls) == 4
    assert not (tmp_path / "venv/left-over").exists()


def test_one_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []
    (tmp_path / "requirements.txt").touch()
    make(tmp_path, calls)
    (tmp_path / "venv" / STAMP).unlink()
    make(tmp_path, calls)
    assert len(calls) == 4


def test_a_persons_own_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    environment = {"PROOFLOAD_APP_VENV": str(tmp_path)}
    assert application_python(lambda _: None, environment=environment) == tmp_path / "bin/python"
    with pytest.raises(StackError, match="names no virtual environment"):
        application_python(lambda _: None, environment={"PROOFLOAD_APP_VENV": str(tmp_path / "none")})


@pytest.mark.parametrize("uv", [None, "/usr/bin/uv"])
def test_hashes_are_required_either_way(uv: str | None) -> None:
    commands = install_commands(Path("/venv"), Path("requirements.txt"), uv=uv)
    assert [command[0] == uv for command in commands] == ([True, True] if uv else [False, False])
    assert "--require-hashes" in commands[1]
    assert commands[1][-1] == "requirements.txt"


def test_what_pip_said_is_passed_on() -> None:
    with pytest.raises(StackError) as caught:
        run_install(("/bin/sh", "-c", "echo 'no network' >&2; exit 1"))
    assert caught.value.where[-1] == "no network"
