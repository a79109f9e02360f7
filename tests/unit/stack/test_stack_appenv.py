"""Which interpreter runs the application."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import MissingProgram
from harness.stack.appenv import application_python, environment_problem


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose application environment was begun and never finished."""
    requirements = tmp_path / "docker" / "app" / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("flask==3.1.3\n")
    python = tmp_path / ".venv-app" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return tmp_path


def stamp(project: Path, text: str = "flask==3.1.3\n", place: Path | None = None) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    (project / ".venv-app" / ".installed-requirements.txt").write_text(f"{digest} {place or project}\n")


def problem(project: Path) -> str:
    return environment_problem(project / ".venv-app", project / "docker" / "app" / "requirements.txt", project)


def test_an_environment_made_from_the_present_requirements_is_used(project: Path) -> None:
    stamp(project)
    assert problem(project) == ""
    assert application_python({}, project) == project / ".venv-app" / "bin" / "python"


def test_an_environment_whose_installation_was_cut_off_is_unfinished(project: Path) -> None:
    assert problem(project) == "is unfinished"


def test_an_environment_made_from_other_requirements_is_old(project: Path) -> None:
    stamp(project, "flask==3.0.0\n")
    assert problem(project) == "is older than docker/app/requirements.txt"


def test_an_environment_that_was_moved_is_told(project: Path) -> None:
    stamp(project, place=Path("/elsewhere with spaces"))
    assert problem(project) == "was made when the project lay in /elsewhere with spaces"


def test_a_missing_environment_is_bad_input_that_names_the_fix(project: Path) -> None:
    (project / ".venv-app" / "bin" / "python").unlink()
    with pytest.raises(MissingProgram, match="virtual environment is missing") as caught:
        application_python({}, project)
    assert caught.value.hint == "make setup"


def test_a_persons_own_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    assert application_python({"PROOFLOAD_APP_VENV": str(tmp_path)}) == tmp_path / "bin/python"
    with pytest.raises(MissingProgram, match="names no virtual environment"):
        application_python({"PROOFLOAD_APP_VENV": str(tmp_path / "none")})
