"""``proofload doctor [SYSTEM --stage S]``: what is missing on this machine, and the fix."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from harness.errors import ConfigError
from harness.exitcodes import ExitCode
from harness.stack.doctor import Finding, Need, State, can_verify, diagnose
from harness.stack.machine import look
from harness.store.jsonl import encode
from targets.loader import find_stage, load_target

MARKS = {State.READY: ("✓", "green"), State.NOTE: ("–", "yellow"), State.MISSING: ("✗", "red")}


def doctor(
    system: Annotated[
        str | None, typer.Argument(metavar="[SYSTEM]", help="A planned system's name, or a path to your own TOML.")
    ] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="Compare the machine with this stage of SYSTEM.")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Where run directories are kept.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, and only that.")] = False,
) -> None:
    """Say what this machine lacks for a run, and how to mend it.

    Exit codes: 0 when `proofload verify` can run here (notes are no obstacle), else 20.

    Examples:

      proofload doctor

      proofload doctor lectio --stage A
    """
    findings = diagnose(look(runs), _need(system, stage))
    ready = can_verify(findings)
    if json:
        answer = {"can_verify": ready, "findings": [asdict(finding) for finding in findings]}
        print(encode(answer, indent=1).decode())
    else:
        _show(Console(highlight=False), findings, ready)
    raise typer.Exit(ExitCode.PASS if ready else ExitCode.BAD_INPUT)


def _need(system: str | None, stage: str | None) -> Need | None:
    if system is None and stage is None:
        return None
    if system is None or stage is None:
        raise ConfigError(
            "a machine is compared with one stage of a system: name both", "", "proofload doctor lectio --stage A"
        )
    chosen = find_stage(load_target(system), stage)
    return Need(chosen.name, chosen.value("vcpu"), chosen.value("memory"))


def _show(console: Console, findings: tuple[Finding, ...], ready: bool) -> None:
    """Lines, not a table of rich's: they are never cut or wrapped when piped into a file."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark, colour = MARKS[finding.state]
        state = f"{mark} {finding.state}".ljust(len("✗ missing"))
        line = Text.assemble((state, colour), "  ", finding.subject.ljust(width), "  ", finding.found)
        console.print(line, soft_wrap=True)
        if finding.fix:
            console.print(Text(f"{'→':>{len(state) + width + 5}} {finding.fix}"), soft_wrap=True)
    missing = sum(finding.state is State.MISSING for finding in findings)
    things = "1 thing is" if missing == 1 else f"{missing} things are"
    console.print("\nready: proofload verify can run here" if ready else f"\nnot ready: {things} missing")
