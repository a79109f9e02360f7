"""What is printed, and how: colour and live lines for a person, plain lines for a pipe, three lines for a mistake."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from harness.errors import HarnessError

PIPE_WIDTH = 160
"""Columns when nobody looks: wide enough that no row of a table is folded."""


class LastingConsole(Console):
    """Falls silent when whoever read its output has gone (``| head``), instead of ending the program: a run whose
    display nobody watches any more is still a run, with a report at its end."""

    def on_broken_pipe(self) -> None:
        """Rich's own would exit here."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(*, quiet: bool = False, stderr: bool = False, lasting: bool = False) -> Console:
    """Where text for people goes. Colour only on a terminal and without NO_COLOR (rich heeds both).

    lasting: for what has more to do than to print.
    """
    stream = sys.stderr if stderr else sys.stdout
    return (LastingConsole if lasting else Console)(
        file=stream, quiet=quiet, highlight=False, emoji=False, width=None if stream.isatty() else PIPE_WIDTH
    )


def print_json(text: str | bytes) -> None:
    """What a program asked for, and nothing else."""
    sys.stdout.write((text if isinstance(text, str) else text.decode()).rstrip("\n") + "\n")


def error_text(error: HarnessError) -> str:
    """``error:`` what, ``at:`` where, ``hint:`` what to do."""
    lines = [f"error: {error.message}"]
    lines += [
        f"{'   at: ' if index == 0 else '       '}{place}" for index, place in enumerate(filter(None, error.where))
    ]
    if error.hint:
        lines.append(f" hint: {error.hint}")
    return "\n".join(lines)


def print_error(error: HarnessError) -> None:
    """To standard error; a colour of its own for the first word, the words themselves as they are."""
    out = console(stderr=True)
    for line in error_text(error).splitlines():
        word, colon, rest = line.partition(":")
        style = "bold red" if word == "error" else "dim" if word.strip() in ("at", "hint") else ""
        out.print(f"[{style}]{word}{colon}[/]" if style else word + colon, end="", markup=bool(style))
        out.print(rest, markup=False, soft_wrap=True)
