"""``proofload``: the list of commands, and what happens when one cannot do its work."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import harness
from harness.cli.output import print_error
from harness.errors import ConfigError, HarnessError
from harness.exitcodes import ExitCode
from targets.hints import did_you_mean

BROKEN_PIPE = 141
"""128 + SIGPIPE: whoever read the output has had enough."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command is the function, or the ``app``, of its name in the module ``harness.cli.<name>``.

    It is imported when it is called: listing systems does not wait for the libraries that reports are made with.
    """

    name: str
    summary: str


COMMANDS: tuple[Command, ...] = (
    Command("systems", "The planned systems and their stages."),
    Command("show", "A system's plan: every figure with where it comes from."),
    Command("audit", "A plan held against itself: its arithmetic and its tables, without any load."),
    Command("plan", "A dry run: levels, rates, requests, and whether they can prove anything."),
    Command("doctor", "What is missing on this machine, and the fix."),
    Command("verify", "Proof-load a stage and give a verdict."),
    Command("capacity", "Search for the highest load that a stage carries."),
    Command("worker", "Take part in a load that another machine directs."),
    Command("claims", "What a plan says that its improvements bring, measured in pairs of runs."),
    Command("report", "Judge a run again and rebuild its reports."),
    Command("stack", "The reference stack by hand: up, status, down."),
    Command("init", "The two files that a system of your own begins with."),
    Command("schema", "The JSON Schema of a system's TOML file, for editors."),
    Command("oracle", "Small real servers of known behaviour, to prove Proofload itself against."),
)
"""Every command, in the order of the help."""


class _Commands(TyperGroup):
    """Commands from COMMANDS, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"harness.cli.{cmd_name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False)
            app.command(cmd_name)(getattr(module, cmd_name))
        app.rich_markup_mode = None  # plain help, as of the commands' list: it is read in pipes and logs too
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in COMMANDS])


app = typer.Typer(cls=_Commands, add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def proofload(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks (may stand anywhere).")] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Proof-load a stage of a capacity plan: real servers, three times the planned peak, a verdict to trust.

    Examples:

      proofload plan lectio --stage A

      proofload verify lectio --stage A
    """
    if show_version:
        typer.echo(f"proofload {harness.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """One command line; the exit code. Everything that can go wrong ends here, in words.

    Ctrl-C outside of a run is 130 (128 + SIGINT, as shells have it; typer makes it so). Within a run ``verify`` ends
    the load and still judges.
    """
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        return _exit_code(app(list(arguments), prog_name="proofload", standalone_mode=False))
    except HarnessError as error:
        if debug:
            traceback.print_exc()
        print_error(error)
        return int(error.exit_code)
    except SystemExit as end:
        if end.code == 1:  # both typer and rich leave with 1 when the pipe that they print to is closed, and only then
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        return _exit_code(end.code)
    except typer.TyperException as error:
        return _usage_error(error)
    except Exception as error:  # noqa: BLE001 - the last resort: a person gets a line, the traceback goes to a file
        return _internal_error(error, debug)


def _exit_code(value: object) -> int:
    return value if isinstance(value, int) else 0


def _usage_error(error: typer.TyperException) -> int:
    """Typer's complaint about the command line, in our three lines; its exit code 2 would say nothing."""
    context = getattr(error, "ctx", None)
    path = "proofload" if context is None else str(context.command_path)
    message = error.format_message().strip().rstrip(".")
    hint = f"{path} --help"
    if message.startswith("Usage:"):  # a group of commands without one: its help is the answer
        sys.stdout.write(f"{message}\n")
        return int(ExitCode.PASS)
    if message.startswith("No such command"):
        typed = message.split("'")[1]
        message = f'there is no command "{typed}"'
        hint = did_you_mean(typed, [command.name for command in COMMANDS]).removeprefix("; ")
    print_error(ConfigError(message[:1].lower() + message[1:], path, hint))
    return int(ExitCode.BAD_INPUT)


def _internal_error(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exc()
        return int(ExitCode.INTERNAL_ERROR)
    descriptor, log = tempfile.mkstemp(prefix="proofload-", suffix=".log")
    with os.fdopen(descriptor, "w") as file:
        traceback.print_exception(error, file=file)
    sys.stderr.write(f"error: a mistake of Proofload's own ({type(error).__name__}: {error}); the log is {log}\n")
    return int(ExitCode.INTERNAL_ERROR)


if __name__ == "__main__":
    main()
