"""``proofload oracle``: small real servers whose behaviour is known exactly, to prove Proofload itself against."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from harness.cli.output import console
from harness.errors import ConfigError
from harness.oracle.kinds import KINDS, Kind
from harness.oracle.metrics import Lie
from harness.oracle.options import given, options_of
from harness.oracle.server import Spec, serve
from targets.hints import did_you_mean


class _Kinds(TyperGroup):
    """Commands, with a hint for a kind that does not exist."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            names = [kind.name for kind in KINDS]
            hint = did_you_mean(args[0], names).removeprefix("; ")
            raise ConfigError(f'there is no kind "{args[0]}"', "proofload oracle", hint)
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_Kinds, add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def oracle(context: typer.Context) -> None:
    """Small real servers on loopback whose behaviour is known exactly, and liars.

    Each runs until Ctrl-C and has /metrics and /nginx_status beside what it serves.

    Examples:

      proofload oracle list

      proofload oracle mmc --servers 2 --service-ms 10 --seed 7

      proofload oracle stall --every 10 --stall 2 --port 8080 --for 60 --log stall.jsonl

      proofload verify harness/oracle/target.toml --stage 1 --stack external --host URL
    """
    if context.invoked_subcommand is None:
        list_kinds()


@app.command("list")
def list_kinds() -> None:
    """The kinds of servers, a line each.

    Example:

      proofload oracle list
    """
    out = console()
    width = max(len(kind.name) for kind in KINDS)
    for kind in KINDS:
        out.print(f"{kind.name:<{width}}  {kind.summary}", markup=False, soft_wrap=True)
    out.print("\nproofload oracle KIND --help names the parameters of one", markup=False)


_COMMON: dict[str, tuple[Any, Any]] = {
    "seed": (Annotated[int, typer.Option("--seed", help="Of every random choice.")], 7),
    "port": (Annotated[int, typer.Option("--port", help="On loopback; 0 takes a free one.")], 0),
    "life": (
        Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="End by itself after so long.")],
        None,
    ),
    "log": (
        Annotated[Path | None, typer.Option("--log", help="Append what was really done, as JSON lines.")],
        None,
    ),
    "freeze": (
        Annotated[
            float | None,
            typer.Option(
                "--freeze-metrics-after",
                metavar="SECONDS",
                help="A lie: so long after the first request, its numbers stand still.",
            ),
        ],
        None,
    ),
    "reset": (
        Annotated[
            float | None,
            typer.Option(
                "--reset-metrics-after",
                metavar="SECONDS",
                help="A lie: so long after the first request, its counters begin again at 0.",
            ),
        ],
        None,
    ),
}
"""Options of every kind: annotation and default."""


def _command(kind: Kind) -> Any:
    """A function with the kind's parameters as its own, for typer to read."""

    def run(**values: Any) -> None:
        common = {name: values.pop(name) for name in _COMMON}
        _run(kind, values, common)

    options: dict[str, tuple[Any, Any]] = {}
    for field, option in options_of(kind.parameters):
        default: Any = field.default
        number = int if isinstance(default, int) else float
        annotation = Annotated[number, typer.Option(f"--{option.flag}", help=option.help)]  # type: ignore[valid-type]
        options[field.name] = (annotation, default if option.scale == 1 else round(default / option.scale, 9))
    options |= _COMMON
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {name: annotation for name, (annotation, _) in options.items()}
    run.__doc__ = f"{kind.summary[0].upper()}{kind.summary[1:]}.\n\nExample:\n\n  proofload oracle {kind.name}"
    return run


def _run(kind: Kind, values: dict[str, float], common: dict[str, Any]) -> None:
    try:
        parameters = kind.parameters(**given(kind.parameters, values))
        lie = Lie(common["freeze"], common["reset"])
    except ValueError as error:
        raise ConfigError(
            str(error), f"proofload oracle {kind.name}", f"proofload oracle {kind.name} --help"
        ) from error
    if common["life"] is not None and common["life"] <= 0:
        raise ConfigError("a server lives for more than 0 seconds", "--for", "leave it out to end it by Ctrl-C")
    out = console(lasting=True)

    def ready(url: str) -> None:
        out.print(f"up      {url}   {kind.summary}", markup=False, soft_wrap=True)
        out.print(f"numbers {url}/metrics   {url}/nginx_status", markup=False, soft_wrap=True)
        out.print("stop    Ctrl-C", markup=False)

    serve(
        Spec(
            kind=kind,
            parameters=parameters,
            seed=common["seed"],
            port=common["port"],
            log=common["log"],
            lie=lie,
            life_seconds=common["life"],
        ),
        ready,
    )


for _kind in KINDS:
    app.command(_kind.name)(_command(_kind))
