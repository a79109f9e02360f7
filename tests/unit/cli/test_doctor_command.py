"""The doctor's command: what it prints and how it exits, with the machine made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from harness.cli import doctor as command
from harness.stack.doctor import PROGRAMS, Facts, Program

GOOD = Facts(
    python=(3, 11, 2),
    programs={name: Program(f"/usr/bin/{name}", "1.2") for name in (*PROGRAMS, "chromium")},
    has_h264=True,
    application_environment="",
    cgroup_version=1,
    cgroup_reason="",
    cpu_cores=4,
    memory_bytes=8 << 30,
    open_files=1 << 20,
    ephemeral_ports=28_232,
    loopback_error="",
    runs_folder="runs",
    runs_error="",
    runs_free_bytes=50 << 30,
    leftovers=(),
    pressure=True,
)
BAD = replace(GOOD, programs={}, cgroup_version=None, cgroup_reason="[/bold] may not be written")


def run(monkeypatch: pytest.MonkeyPatch, facts: Facts, *arguments: str) -> tuple[int, str]:
    def look(runs: Path) -> Facts:
        return facts

    monkeypatch.setattr(command, "look", look)
    app = typer.Typer()
    app.command()(command.doctor)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout


def test_a_good_machine_exits_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, GOOD)
    assert code == 0
    assert text.endswith("ready: proofload verify can run here\n")
    assert "✗" not in text


def test_a_bad_one_exits_20_and_every_obstacle_has_its_fix_below(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, BAD)
    lines = text.splitlines()
    assert code == 20
    assert lines[-1] == "not ready: 5 things are missing"
    assert text.count("✗ missing") == 5
    for number, line in enumerate(lines):
        if line.startswith("✗"):
            assert lines[number + 1].lstrip().startswith("→ make setup")


def test_words_of_the_machine_are_not_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not enforced: [/bold] may not be written" in run(monkeypatch, BAD)[1]


def test_json_is_all_that_a_program_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, BAD, "--json")
    answer = json.loads(text)
    assert code == 20
    assert answer["can_verify"] is False
    assert {"subject": "nginx", "state": "missing", "found": "not installed"}.items() <= next(
        finding for finding in answer["findings"] if finding["subject"] == "nginx"
    ).items()


def test_a_stage_is_compared_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, replace(GOOD, cpu_cores=1), "lectio", "--stage", "A")
    assert code == 0
    assert "fewer than the stage's 2" in text
