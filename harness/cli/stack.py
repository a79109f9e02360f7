"""``proofload stack up|status|down``: the reference stack by hand, and clean-up after a run that was killed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from targets.loader import find_stage, load_target

from harness.cli.output import console
from harness.cli.signals import stopped_by_signals
from harness.experiment.servers import native_stack
from harness.experiment.settings import StopRequest
from harness.store.layout import create_run_directory

Runs = Annotated[Path, typer.Option("--runs", help="Where run directories are kept.")]

app = typer.Typer(no_args_is_help=True, help="The reference stack by hand: up, status, down.")


@app.command()
def up(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[str, typer.Option("--stage", help="The stage whose sizes the servers get.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the data.")] = 7,
    runs: Runs = Path("runs"),
) -> None:
    """Start the stack of a stage and keep it until Ctrl-C or ``proofload stack down``.

    Example:

      proofload stack up lectio --stage A
    """
    out = console()
    target = load_target(system)
    chosen = find_stage(target, stage)
    run = create_run_directory(runs, target.name, chosen.name, "stack", datetime.now(UTC))
    stop = StopRequest()
    with stopped_by_signals(stop), native_stack(chosen, run, seed, lambda text: out.print(f"  {text}")) as running:
        out.print(f"up      {running.endpoints.base_url}   (Ctrl-C stops it)", highlight=False)
        while not stop.wait(1.0):
            if dead := running.dead():
                out.print(f"died    {', '.join(dead)}; its log is in {run.logs}")
                break
    out.print("stopped")
