"""The application's own virtual environment: made once, from hash-pinned requirements."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import StackError
from harness.stack.places import APPLICATION, PROJECT, STATE

OVERRIDE = "PROOFLOAD_APP_VENV"
"""Environment variable that names a virtual environment to use as it is."""
STAMP = "requirements.sha256"
INSTALL_SECONDS = 300


def application_python(
    report: Callable[[str], None],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = PROJECT / ".venv-app",
    requirements: Path = APPLICATION / "requirements.txt",
    state: Path = STATE,
    install: Callable[[tuple[str, ...]], None] | None = None,
) -> Path:
    """The application's interpreter, whose environment is made when it is missing or of other requirements.

    Raises StackError when it cannot be made.
    """
    override = (os.environ if environment is None else environment).get(OVERRIDE)
    if override:
        python = Path(override) / "bin/python"
        if not python.exists():
            raise StackError(f"{OVERRIDE} names no virtual environment", str(python), "unset it, or correct it")
        return python
    install = install or run_install
    python = folder / "bin/python"
    digest = requirements_digest(requirements)
    stamp = folder / STAMP
    state.mkdir(parents=True, exist_ok=True)
    with (state / "venv-app.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that begin together make it once
        if stamp.exists() and stamp.read_text() == digest and python.exists():
            return python
        report("application: installing its own virtual environment")
        if folder.exists():
            shutil.rmtree(folder)
        for command in install_commands(folder, requirements, uv=shutil.which("uv")):
            install(command)
        stamp.write_text(digest)
    return python


def requirements_digest(requirements: Path) -> str:
    """Of the pinned requirements and the interpreter that they are installed for."""
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()


def install_commands(folder: Path, requirements: Path, *, uv: str | None) -> tuple[tuple[str, ...], ...]:
    """How to make the environment: with uv where there is one, else with venv and pip."""
    python = str(folder / "bin/python")
    if uv is not None:
        return (
            (uv, "venv", "--quiet", "--python", sys.executable, str(folder)),
            (uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(requirements)),
        )
    return (
        (sys.executable, "-m", "venv", str(folder)),
        (
            python,
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "install",
            "--require-hashes",
            "-r",
            str(requirements),
        ),
    )


def run_install(command: tuple[str, ...]) -> None:
    """Run one command of the installation. Raises StackError with its last words."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        lines = [line for line in str(error.stderr).splitlines() if line.strip()][-6:]
        raise StackError(
            "the application's virtual environment could not be made",
            [" ".join(command), *lines],
            "is the network there? Or name one that exists: " + OVERRIDE,
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"installing the application took longer than {INSTALL_SECONDS} s", " ".join(command)
        ) from error
