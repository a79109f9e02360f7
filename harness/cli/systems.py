"""``proofload systems``: what there is to verify."""

from __future__ import annotations

import json as json_format
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from harness.cli.output import console, print_json
from harness.model.target import CapacityTarget, Stage
from targets.loader import load_target, system_names


def systems(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
) -> None:
    """List the planned systems and the stages of their capacity plans.

    Examples:

      proofload systems

      proofload systems --json
    """
    targets = [load_target(name) for name in system_names()]
    if json:
        print_json(json_format.dumps([_row(target) for target in targets], ensure_ascii=False, indent=1))
        return
    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("system", "stage", "audience", "peak", "server"):
        table.add_column(heading)
    for target in targets:
        for index, stage in enumerate(target.stages):
            name = f"{target.name}  {target.title}" if index == 0 else ""
            cells = (name, f"{stage.name}  {stage.title}", audience(stage), peak(stage), server(stage))
            table.add_row(*(escape(cell) for cell in cells))
    out.print(table)
    out.print("\nproofload show SYSTEM prints a plan, proofload verify SYSTEM --stage S proves it", style="dim")


def audience(stage: Stage) -> str:
    """``300 teachers, 3,000 students``."""
    return ", ".join(f"{figure} {figure.name.replace('_', ' ')}" for figure in stage.audience)


def peak(stage: Stage) -> str:
    """``50/s to 80/s``."""
    return next((str(figure) for figure in stage.load if figure.name == "peak_rps"), "–")


def server(stage: Stage) -> str:
    """``2 CPU, 4 GiB``."""
    return ", ".join(str(figure) for figure in stage.server if figure.name in ("vcpu", "memory")) or "–"


def _row(target: CapacityTarget) -> dict[str, object]:
    stages = [{"name": stage.name, "title": stage.title} for stage in target.stages]
    return {"name": target.name, "title": target.title, "document": target.document, "stages": stages}
