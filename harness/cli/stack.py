"""``proofload stack up|render|status|down``: the reference stack by hand, and clean-up after a run that was killed."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import console
from harness.cli.signals import stopped_by_signals
from harness.cli.verify import COMPOSE, NATIVE
from harness.errors import ConfigError
from harness.experiment.settings import Interrupted, StopRequest
from harness.planning.sizing import audience_of, size_of
from harness.stack.cleanup import clean_up
from harness.stack.cleanup import status as stack_status
from harness.stack.compose import ComposeStack, options_here
from harness.stack.compose_render import COMPOSE_FILE, ENVIRONMENT_FILE, write
from harness.stack.compose_render import render as rendering
from harness.stack.host import host_size, share_of
from harness.stack.native import NativeStack
from harness.stack.ports import require_free
from harness.store.layout import create_run_directory
from targets.loader import find_stage, load_target

System = Annotated[str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")]
Runs = Annotated[Path, typer.Option("--runs", help="Where run directories are kept.")]
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def stack() -> None:
    """The reference stack by hand: up, status, down; render for `docker compose` alone.

    Examples:

      proofload stack up lectio --stage A

      proofload stack status

      proofload stack down
    """


@app.command()
def up(
    system: System,
    stage: Annotated[str, typer.Option("--stage", help="The stage whose sizes the servers get.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the data.")] = 7,
    port: Annotated[int | None, typer.Option("--port", help="Of nginx, on loopback; without it a free one.")] = None,
    kind: Annotated[str, typer.Option("--stack", help="native (local processes) or compose (containers).")] = NATIVE,
    runs: Runs = Path("runs"),
) -> None:
    """Start the stack of a stage; it stays until ``proofload stack down``.

    Example:

      proofload stack up lectio --stage A --port 8080
    """
    out = console()
    target = load_target(system)
    chosen = find_stage(target, stage)
    size, audience = size_of(chosen), audience_of(target, chosen)
    if kind not in (NATIVE, COMPOSE):
        raise ConfigError(f'there is no stack "{kind}" to start', "--stack", "native or compose")
    if port is not None:
        require_free(port)
    run = create_run_directory(runs, target.name, chosen.name, "stack", datetime.now(UTC))

    def report(text: str) -> None:
        out.print(f"  {text}", markup=False)

    stop = StopRequest()
    servers = (ComposeStack if kind == COMPOSE else NativeStack)(
        run, size, audience=audience, seed=seed, report=report, port=port, check=stop.check
    )
    with stopped_by_signals(stop):
        try:
            running = servers.start()
        except Interrupted as asked:
            out.print(f"{asked}: nothing was left up")
            raise typer.Exit(INTERRUPTED) from None
        servers.detach()
    out.print(f"up      {running.endpoints.base_url}   in {running.started_seconds:.0f} s, limits {running.limits}")
    role = audience.people[0][0].removesuffix("s")
    out.print(f"sign in {role}1@{audience.product}.test, password {audience.product}", markup=False)
    out.print(f"logs    {run.logs}", soft_wrap=True)
    out.print("stop    proofload stack down")


@app.command()
def render(
    system: System,
    stage: Annotated[str, typer.Option("--stage", help="The stage whose sizes the servers get.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go; holds passwords.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the data.")] = 7,
    port: Annotated[int | None, typer.Option("--port", help="Of nginx, on loopback.")] = 8080,
) -> None:
    """Write what docker/compose.yaml needs for a stage, to start it with `docker compose` alone.

    Each container is held to the stage's CPU and memory, or the machine's where those are less; all of them together
    only by a run of the harness.

    Example:

      proofload stack render lectio --stage A --to lectio-a
    """
    out = console()
    target = load_target(system)
    chosen = find_stage(target, stage)
    size, audience = size_of(chosen), audience_of(target, chosen)
    folder = to.resolve()
    if folder.exists() and not folder.is_dir():
        raise ConfigError("there is a file of that name", str(folder), "name a folder")
    share = share_of(host_size(), size)
    options = replace(
        options_here(folder / "logs"),
        project=f"proofload-{slug(target.name)}-{slug(chosen.name)}",
        folder=folder,
        nginx_port=port,
    )
    rendered = rendering(size, audience, share, options, seed=seed)
    write(rendered, folder)
    for deviation in (*share.deviations, *rendered.deviations):
        out.print(f"note    {deviation}", markup=False)
    compose = f"docker compose --env-file {shlex.quote(str(folder / ENVIRONMENT_FILE))} -f {COMPOSE_FILE}"
    out.print(f"up      {compose} up --build --detach", markup=False, soft_wrap=True)
    out.print(f"down    {compose} down --volumes", markup=False, soft_wrap=True)


@app.command()
def status(runs: Runs = Path("runs")) -> None:
    """The stacks of this runs' folder: running, detached, or orphaned (their harness is dead).

    Example:

      proofload stack status
    """
    out = console()
    stacks = stack_status(runs)
    for found in stacks:
        out.print(f"{found.state:<9} {found.run_id}  {found.base_url}  {len(found.processes)} processes", markup=False)
    if not stacks:
        out.print("no stack is up")


@app.command()
def down(runs: Runs = Path("runs")) -> None:
    """End every stack of this runs' folder and remove its data; reports and logs stay.

    Example:

      proofload stack down
    """
    out = console()
    removed = clean_up(runs, live=True)
    for gone in removed:
        containers = f"{gone.containers} containers, " if gone.containers else ""
        what = f"{containers}{gone.processes} processes, {len(gone.cgroups)} cgroups, {len(gone.folders)} folders"
        out.print(f"removed {gone.run_id}: {what}", markup=False)
    if not removed:
        out.print("nothing was left")


def slug(text: str) -> str:
    """As compose allows a project's name: small letters, digits, dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
