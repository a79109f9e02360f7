"""What a command line comes to: three lines and an exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import harness.cli.systems
from harness.cli.main import COMMANDS
from harness.errors import StackNotReady
from targets.loader import system_names


def test_the_help_lists_every_command_without_importing_it(printed) -> None:
    for arguments in ((), ("--help",)):
        code, out, _ = printed(*arguments)
        assert code == 0
        for command in COMMANDS:
            assert f"\n  {command.name} " in out


@pytest.mark.parametrize("command", ["systems", "show", "plan"])
def test_every_help_has_an_example(printed, command: str) -> None:
    code, out, _ = printed(command, "--help")
    assert code == 0
    assert "Examples:" in out
    assert f"proofload {command}" in out


def test_the_version(printed) -> None:
    code, out, _ = printed("--version")
    assert code == 0
    assert out.startswith("proofload ")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("verfy",), ['error: there is no command "verfy"', "   at: proofload", ' hint: did you mean "verify"?']),
        (
            ("plan", "lectio"),
            ["error: missing option '--stage'", "   at: proofload plan", " hint: proofload plan --help"],
        ),
        (("show",), ["error: missing argument 'SYSTEM'", "   at: proofload show", " hint: proofload show --help"]),
        (
            ("show", "lectoi"),
            [
                'error: no system is called "lectoi"',
                "   at: SYSTEM",
                f' hint: did you mean "lectio"? systems: {", ".join(system_names())}; or a path to your own TOML',
            ],
        ),
        (
            ("plan", "lectio", "--stage", "D"),
            ['error: Lectio Space has no stage "D"', "   at: --stage", " hint: stages: A, B, C"],
        ),
        (
            ("plan", "lectio", "--stage", "A", "--profile", "smok"),
            [
                'error: no profile is called "smok"',
                "   at: --profile",
                " hint: profiles: smoke, standard, nightly",
            ],
        ),
    ],
)
def test_bad_input_gets_three_lines_and_exit_20(printed, arguments: tuple[str, ...], lines: list[str]) -> None:
    code, out, err = printed(*arguments)
    assert code == 20
    assert out == ""
    assert err.splitlines() == lines


def test_an_option_of_the_wrong_kind(printed) -> None:
    code, _, err = printed("plan", "lectio", "--stage", "A", "--seed", "x")
    first, at, _ = err.splitlines()
    assert code == 20
    assert first.startswith("error: invalid value for '--seed': ")
    assert at == "   at: proofload plan"


def test_every_mistake_of_a_file_has_its_line(printed, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("format = 1\n[flows.a]\nkind = 'http'\n")
    code, _, err = printed("show", str(path))
    lines = err.splitlines()
    assert code == 20
    assert lines[0].endswith("mistakes in mine.toml")
    assert lines[1].startswith("   at: mine.toml › ")
    assert all(line.startswith("       mine.toml › ") for line in lines[2:-1])
    assert lines[-1].startswith(" hint: ")


def test_an_error_of_the_harness_has_the_exit_code_of_its_kind(printed, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise StackNotReady("PostgreSQL did not come up in 30 s", ("logs/postgres.log: [red]no space[/red]",))

    monkeypatch.setattr(harness.cli.systems, "system_names", fail)
    code, _, err = printed("systems")
    assert code == 21
    assert err == (
        "error: PostgreSQL did not come up in 30 s\n   at: logs/postgres.log: [red]no space[/red]\n"
    )  # text from outside is no markup


def test_a_mistake_of_its_own_is_one_line_that_names_the_log(
    printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(harness.cli.systems, "system_names", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, _, err = printed("systems")
    (log,) = tmp_path.iterdir()
    assert code == 70
    assert err == f"error: a mistake of Proofload's own (ZeroDivisionError: division by zero); the log is {log}\n"
    assert "Traceback" in log.read_text()
    code, _, err = printed("systems", "--debug")
    assert code == 70
    assert "Traceback" in err


def test_debug_shows_where_bad_input_was_found(printed) -> None:
    code, _, err = printed("show", "lectoi", "--debug")
    assert code == 20
    assert "Traceback" in err
    assert err.endswith("or a path to your own TOML\n")


def test_a_pipe_that_is_closed_early_is_no_mistake() -> None:
    command = [sys.executable, "-m", "harness.cli.main", "show", "lectio", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_ctrl_c_leaves_as_shells_have_it(printed, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(harness.cli.systems, "system_names", interrupt)
    code, _, err = printed("systems")
    assert code == 130
    assert "Traceback" not in err
