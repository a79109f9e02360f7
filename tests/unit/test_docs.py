"""What the documentation shows is true: commands exist with their options, links resolve, fields are named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from harness.exitcodes import ExitCode
from harness.model.capacity import SearchSettings, Trial, TrialResult
from harness.model.exploration import Search
from harness.model.run import HostFingerprint, Manifest, ReadBack
from harness.model.samples import (
    AcknowledgedWrite,
    Distribution,
    Event,
    GeneratorSample,
    JobEvent,
    PageView,
    Reconciliation,
    RequestRow,
    ServerSample,
)

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (PROJECT / "docs").rglob("*.md")
)
_SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def shown_commands() -> Iterator[Any]:
    for page in PAGES:
        for block in _SHELL_BLOCK.findall(page.read_text()):
            for line in block.splitlines():
                if line.strip():
                    yield pytest.param(line, id=f"{page.name}: {line}")


def links() -> Iterator[Any]:
    for page in PAGES:
        for target in _LINK.findall(_COMMENT.sub("", page.read_text())):
            if not target.startswith(("http://", "https://", "mailto:")):
                yield pytest.param(page, target, id=f"{page.name}: {target}")


def parse_proofload(words: list[str]) -> None:
    """Let the command line be parsed, without running anything."""
    from harness.cli.main import app

    command: Any = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        context = command.make_context(command.name, [], resilient_parsing=True)
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"no command {name}"
        command = found
    command.make_context(command.name, words)


def parse_make(words: list[str]) -> None:
    """Every word is a target of the Makefile or a variable that it uses."""
    makefile = (PROJECT / "Makefile").read_text()
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable:
            assert f"$({name})" in makefile, f"the Makefile does not use {name}"
        else:
            assert re.search(rf"^{re.escape(name)}:.*##", makefile, re.MULTILINE), f"no target {name}"


def parse_python(words: list[str]) -> None:
    """The program is shown on a page."""
    assert any(f"\n# {words[0]}\n" in page.read_text() for page in PAGES), f"no page shows {words[0]}"


@pytest.mark.parametrize("line", list(shown_commands()))
def test_every_command_that_is_shown_exists_with_its_options(line: str) -> None:
    program, *words = shlex.split(line)
    {"proofload": parse_proofload, "make": parse_make, "python3": parse_python}[program](words)


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists()
    assert file.is_relative_to(PROJECT)
    if anchor:
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        assert anchor in [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("code", ExitCode)
def test_the_readme_explains_every_exit_code(code: ExitCode) -> None:
    assert re.search(rf"\b{code.value}\b", (PROJECT / "README.md").read_text())


@pytest.mark.parametrize(
    "kind",
    [
        AcknowledgedWrite,
        Distribution,
        Event,
        GeneratorSample,
        HostFingerprint,
        JobEvent,
        Manifest,
        PageView,
        ReadBack,
        Reconciliation,
        RequestRow,
        Search,
        SearchSettings,
        ServerSample,
        Trial,
        TrialResult,
    ],
)
def test_every_field_of_the_run_directory_is_documented(kind: Any) -> None:
    named = set(re.findall(r"`(\w+)`", (PROJECT / "docs" / "run-directory.md").read_text()))
    assert {field.name for field in fields(kind)} <= named


def test_every_make_target_says_what_it_does() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):(.*)$", makefile, re.MULTILINE)
    assert len(targets) > 10
    assert [name for name, rest in targets if "## " not in rest] == []


def test_the_lock_files_name_no_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "docker/app/requirements.txt"):
        assert not re.search(r"://|--(extra-)?index-url|--find-links", (PROJECT / name).read_text())


def test_the_harness_is_pinned_to_the_same_versions_with_and_without_its_tests() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (PROJECT / name).read_text(), re.MULTILINE))

    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
