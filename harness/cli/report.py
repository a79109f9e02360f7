"""``proofload report RUN``: judge a run again and rebuild its reports, from the run directory alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from harness.cli.claims import print_claims
from harness.cli.conclude import EXIT_CODES, conclude, conclude_capacity, conclude_claims, kind_of
from harness.cli.output import console, print_json
from harness.cli.search_view import print_capacity
from harness.cli.verdict_view import print_verdict
from harness.experiment.capacity import KIND
from harness.model.claims import CLAIMS_KIND


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, such as one below runs/.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print verdicts.json (or capacity.json), and only that.")
    ] = False,
) -> None:
    """Judge a run again and rebuild report.html, junit.xml, summary.md and verdicts.json (of a capacity search:
    capacity.json).

    The exit code is the verdict's: PASS 0, FAIL 10, INCONCLUSIVE 11, INVALID 12.

    Examples:

      proofload report runs/2026-11-20T165012Z-lectio-A-verify

      proofload report runs/2026-11-20T165012Z-lectio-A-capacity

      proofload report --json runs/2026-11-20T165012Z-lectio-A-verify
    """
    if kind_of(run) == KIND:
        _report_capacity(run, json)
    if kind_of(run) == CLAIMS_KIND:
        _report_claims(run, json)
    directory, evidence, verdict = conclude(run)
    if json:
        print_json(directory.verdicts.read_text())
    else:
        print_verdict(console(), directory, evidence, verdict)
    raise typer.Exit(EXIT_CODES[verdict.outcome])


def _report_claims(run: Path, json: bool) -> NoReturn:
    directory, evidence, found = conclude_claims(run)
    if json:
        print_json(directory.claims.read_text())
    else:
        print_claims(console(), directory, evidence, found)
    raise typer.Exit(0)


def _report_capacity(run: Path, json: bool) -> NoReturn:
    directory, found, answer = conclude_capacity(run)
    if json:
        print_json(directory.capacity.read_text())
    else:
        print_capacity(console(), directory, found, answer)
    raise typer.Exit(EXIT_CODES[answer.outcome])
