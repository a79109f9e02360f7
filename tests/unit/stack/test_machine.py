"""Reading what a machine says about itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.stack.machine import environment_problem, ephemeral_ports, said


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docker" / "app").mkdir(parents=True)
    (tmp_path / "docker" / "app" / "requirements.txt").write_text("flask==3.1.3\n")
    (tmp_path / ".venv-app" / "bin").mkdir(parents=True)
    (tmp_path / ".venv-app" / "bin" / "python").touch()
    return tmp_path


def stamp(project: Path, text: str = "flask==3.1.3\n", place: Path | None = None) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    (project / ".venv-app" / ".installed-requirements.txt").write_text(f"{digest} {place or project}\n")


def problem(project: Path) -> str:
    return environment_problem(project / ".venv-app", project / "docker" / "app" / "requirements.txt", project)


def test_an_environment_made_from_the_present_requirements_is_current(project: Path) -> None:
    stamp(project)
    assert problem(project) == ""


def test_an_environment_whose_installation_was_cut_off_is_unfinished(project: Path) -> None:
    assert problem(project) == ".venv-app is unfinished"


def test_an_environment_made_from_other_requirements_is_old(project: Path) -> None:
    stamp(project, "flask==3.0.0\n")
    assert problem(project) == ".venv-app is older than docker/app/requirements.txt"


def test_an_environment_that_was_moved_is_told(project: Path) -> None:
    stamp(project, place=Path("/elsewhere with spaces"))
    assert problem(project) == ".venv-app was made when the project lay in /elsewhere with spaces"


def test_a_missing_environment_is_told(project: Path) -> None:
    (project / ".venv-app" / "bin" / "python").unlink()
    assert problem(project) == ".venv-app is missing"


def test_the_port_range_counts_both_ends() -> None:
    assert ephemeral_ports("32768\t60999\n") == 28_232


def test_a_program_that_cannot_be_started_says_nothing(tmp_path: Path) -> None:
    assert said(str(tmp_path / "absent"), "--version") == ""
