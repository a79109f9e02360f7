"""``proofload report RUN``: judge a run again and rebuild its reports, from the run directory alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import EXIT_CODES, conclude
from harness.cli.output import console, print_json
from harness.cli.verdict_view import print_verdict


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, such as one below runs/.")],
    json: Annotated[bool, typer.Option("--json", help="Print verdicts.json, and only that.")] = False,
) -> None:
    """Judge a run again and rebuild report.html, junit.xml, summary.md and verdicts.json.

    The exit code is the verdict's: PASS 0, FAIL 10, INCONCLUSIVE 11, INVALID 12.

    Examples:

      proofload report runs/2026-11-20T165012Z-lectio-A-verify

      proofload report --json runs/2026-11-20T165012Z-lectio-A-verify
    """
    directory, evidence, verdict = conclude(run)
    if json:
        print_json(directory.verdicts.read_text())
    else:
        print_verdict(console(), directory, evidence, verdict)
    raise typer.Exit(EXIT_CODES[verdict.outcome])
