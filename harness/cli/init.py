"""``proofload init NAME``: the two files that a system of one's own begins with."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import console
from harness.errors import ConfigError
from targets.loader import TARGETS_FOLDER, system_names

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE = TARGETS_FOLDER / "starter" / "system.toml"
FLOWS = PROJECT / "locustfiles" / "starter.py"
SCHEMA = PROJECT / "docs" / "target.schema.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of your system: lower case, such as shop.")],
) -> None:
    """Write NAME.toml and NAME_flows.py into this folder: a small plan that holds on the reference application.

    Nothing is overwritten. docs/your-own-system.md goes on from there.

    Examples:

      proofload init shop
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f'"{name}" is no name for a system', "NAME", "small letters, digits, - and _, such as shop")
    if name in system_names():
        raise ConfigError(f'"{name}" comes with Proofload already', "NAME", "choose another name")
    plan, flows = Path(f"{name}.toml"), Path(f"{name.replace('-', '_')}_flows.py")
    present = [str(path.absolute()) for path in (plan, flows) if path.exists() or path.is_symlink()]
    if present:
        raise ConfigError(
            "nothing is overwritten, and this is there already", present, "move it, or choose another name"
        )
    try:
        _write(plan, starter_text(name, flows.name, Path.cwd()))
        _write(flows, FLOWS.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the file cannot be written: {error.strerror}", str(error.filename)) from error
    out = console()
    out.print(f"{plan}: the plan\n{flows}: what people do\n\nNow, as they stand:", highlight=False)
    for command in ("show", "plan", "verify"):
        stage = "" if command == "show" else " --stage 1"
        out.print(f"  proofload {command} {shlex.quote(f'./{plan}')}{stage}", highlight=False)


def starter_text(name: str, flows: str, folder: Path) -> str:
    """The plan of that name, whose first line tells editors where the schema is, from ``folder``."""
    schema = Path(os.path.relpath(SCHEMA, folder)) if SCHEMA.exists() else Path(SCHEMA.name)
    text = TEMPLATE.read_text(encoding="utf-8")
    for word, value in (("@SCHEMA@", schema.as_posix()), ("@NAME@", name), ("@FLOWS@", flows)):
        text = text.replace(word, value)
    return text


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
