"""scripts/setup: what it does when there is nothing to do, and when it can do nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.stack.appenv import environment_problem

PROJECT = Path(__file__).resolve().parents[2]
NEEDED_BY_THE_SCRIPT = ("bash", "env", "dirname", "sha256sum", "cut", "mkdir", "flock", "id")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space in its name, set up as scripts/setup leaves it."""
    project = tmp_path / "my checkout"
    for name in ("scripts/setup", "requirements.lock", "requirements-dev.lock", "docker/app/requirements.txt"):
        copy = project / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, copy)
    for folder, requirements in ((".venv", "requirements.lock"), (".venv-app", "docker/app/requirements.txt")):
        binaries = project / folder / "bin"
        binaries.mkdir(parents=True)
        # Asked whether the generator is still to be compiled, it says no.
        (binaries / "python").symlink_to("/bin/false")
        digest = hashlib.sha256((project / requirements).read_bytes()).hexdigest()
        (project / folder / f".installed-{Path(requirements).name}").write_text(f"{digest} {project}\n")
    (project / ".venv" / "bin" / "proofload").symlink_to("/bin/true")
    return project


def call(checkout: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "setup", *arguments],
        env={"PATH": path},  # neither HOME nor a locale
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH with what the script itself calls, and no server, no Python and no apt."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED_BY_THE_SCRIPT:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_when_all_is_there_nothing_happens_and_nothing_is_said(checkout: Path) -> None:
    done = call(checkout, "run", path=os.environ["PATH"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (checkout / ".state").exists()


def test_the_generator_is_compiled_where_that_is_still_to_be_done(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text('#!/bin/sh\nif [ "$2" = --needed ]; then [ ! -e compiled ]; else touch compiled; fi\n')
    python.chmod(0o755)
    done = call(checkout, "run", path=os.environ["PATH"])
    assert done.returncode == 0
    assert "hot path compiled" in done.stdout
    assert (checkout / "compiled").exists()
    again = call(checkout, "run", path=os.environ["PATH"])
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_doctor_reads_the_stamp_that_the_script_trusts(checkout: Path) -> None:
    requirements = checkout / "docker" / "app" / "requirements.txt"
    assert environment_problem(checkout / ".venv-app", requirements, checkout) == ""


def test_without_apt_one_line_names_what_to_install(checkout: Path, bare_path: str) -> None:
    done = call(checkout, "run", path=bare_path)
    assert done.returncode == 20
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: missing programs; install them as root")
    assert "ffmpeg" in line


def test_an_unknown_word_is_refused(checkout: Path) -> None:
    done = call(checkout, "everything", path=os.environ["PATH"])
    assert done.returncode == 20
    assert "run or test" in done.stderr
