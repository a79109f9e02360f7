"""``proofload audit SYSTEM``: a plan held against itself, without any load."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from harness.cli.output import console, print_json
from harness.model.audit import AuditFinding, AuditReport, Grade
from harness.planning.audit import audit_plan
from harness.store.jsonl import encode
from targets.loader import load_target

_STYLES = {Grade.CONTRADICTION: "bold red", Grade.TENSION: "bold yellow", Grade.READING: "bold"}
_INDENT = (0, 0, 0, 3)


def audit(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    show_all: Annotated[bool, typer.Option("--all", help="Print what agrees, too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that; everything is in it.")] = False,
) -> None:
    """Calculate a plan's formulas again and compare its tables with each other; list what does not fit.

    A contradiction cannot be true on both sides; in a tension one side makes the other unlikely, late or dear; and some
    things depend on how the plan's words are read. The exit code is 0 whatever is found.

    Examples:

      proofload audit lectio

      proofload audit flight-school --all

      proofload audit ./mine.toml --json
    """
    report = audit_plan(load_target(system))
    if json:
        print_json(encode(report, indent=1))
    else:
        _show(console(), report, show_all=show_all)


def _show(out: Console, report: AuditReport, *, show_all: bool) -> None:
    out.print(f"[bold]{escape(report.title)}[/bold]   {escape(report.document)} held against itself")
    out.print(report.summary)
    for grade, style in _STYLES.items():
        _list(out, grade, style, report.graded(grade))
    if show_all:
        _list(out, "agrees", "bold green", report.graded(None))


def _list(out: Console, heading: str, style: str, findings: Iterable[AuditFinding]) -> None:
    for index, finding in enumerate(findings):
        if index == 0:
            out.print(f"\n[{style}]{heading}[/]")
        out.print(f"\n{escape(finding.title)}   [dim]{finding.id}[/dim]")
        for line in _lines(finding):
            out.print(Padding(escape(line), _INDENT))
        for citation in finding.citations:
            out.print(Padding(f"[dim]{escape(str(citation))}[/dim]", _INDENT))


def _lines(finding: AuditFinding) -> Iterable[str]:
    if not finding.read:
        yield finding.comparison
    yield from (f"by {formula}" for formula in finding.formulas)
    if finding.says:
        yield finding.says
    if finding.rests_on_assumption:
        yield "rests on a figure that is assumed, not the plan's"
