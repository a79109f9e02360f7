"""The application's own virtual environment, which ``scripts/setup`` makes and a run only uses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from harness.errors import MissingProgram
from harness.stack.places import APPLICATION, PROJECT

OVERRIDE = "PROOFLOAD_APP_VENV"
"""Environment variable that names a virtual environment to use as it is."""


def application_python(environment: Mapping[str, str] | None = None, project: Path = PROJECT) -> Path:
    """The application's interpreter. Raises MissingProgram when its environment is missing or out of date."""
    override = (os.environ if environment is None else environment).get(OVERRIDE)
    if override:
        python = Path(override) / "bin" / "python"
        if not python.exists():
            raise MissingProgram(f"{OVERRIDE} names no virtual environment", str(python), "unset it, or correct it")
        return python
    folder = project / ".venv-app"
    problem = environment_problem(folder, project / APPLICATION.relative_to(PROJECT) / "requirements.txt", project)
    if problem:
        raise MissingProgram(f"the application's virtual environment {problem}", str(folder), "make setup")
    return folder / "bin" / "python"


def environment_problem(environment: Path, requirements: Path, project: Path) -> str:
    """What is wrong with a virtual environment that scripts/setup made, after its name; "" when nothing is.

    Its stamp holds the SHA-256 of the file that it was made from, and where the project lay.
    """
    if not (environment / "bin" / "python").exists():
        return "is missing"
    try:
        stamp = (environment / f".installed-{requirements.name}").read_text()
    except FileNotFoundError:
        return "is unfinished"
    digest, _, place = stamp.rstrip("\n").partition(" ")
    if place != str(project):
        return f"was made when the project lay in {place}"
    if digest != hashlib.sha256(requirements.read_bytes()).hexdigest():
        return f"is older than {requirements.relative_to(project)}"
    return ""
