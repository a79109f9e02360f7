"""``proofload stack render``: files for `docker compose` alone, without an engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.stack import app, slug
from harness.errors import ConfigError


def test_the_files_of_a_stage_and_how_to_use_them(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    done = CliRunner().invoke(app, ["render", "lectio", "--stage", "C", "--to", str(folder), "--port", "18080"])
    assert done.exit_code == 0, done.output
    environment = (folder / "stack.env").read_text()
    assert "COMPOSE_PROJECT_NAME=proofload-lectio-c\n" in environment
    assert "NGINX_PORT=18080\n" in environment
    assert f"STACK_FOLDER={folder}\n" in environment
    assert "HEALTH_INTERVAL" not in environment, "compose.yaml's own, since nobody else looks"
    assert f"--env-file '{folder}/stack.env'" in done.output
    assert "down --volumes" in done.output
    assert (folder / "logs/nginx-access.jsonl").exists()
    assert folder.stat().st_mode & 0o077 == 0
    for secret in (folder / "secrets").iterdir():
        assert secret.read_text() not in done.output


def test_a_file_in_the_way_is_the_persons_to_mend(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = CliRunner().invoke(app, ["render", "lectio", "--stage", "A", "--to", str(tmp_path / "taken")])
    assert isinstance(done.exception, ConfigError)


def test_a_stack_that_cannot_be_started_by_hand() -> None:
    done = CliRunner().invoke(app, ["up", "lectio", "--stage", "A", "--stack", "external"])
    assert isinstance(done.exception, ConfigError)


@pytest.mark.parametrize(("name", "found"), [("Course Organizer", "course-organizer"), ("A", "a"), ("(x)", "x")])
def test_a_projects_name(name: str, found: str) -> None:
    assert slug(name) == found
