"""``proofload claims SYSTEM``: what a plan says that an improvement brings, measured in pairs of runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from harness.cli.capacity import parse_rate, parse_seconds
from harness.cli.conclude import conclude, conclude_claims
from harness.cli.live import LiveDisplay
from harness.cli.output import console, print_json
from harness.cli.signals import stopped_by_signals
from harness.cli.verify import locustfile_of, response_bound
from harness.experiment.claims import measure_claims
from harness.experiment.live import LiveStatus
from harness.experiment.settings import Settings, StopRequest
from harness.model.claims import ClaimsAsked, ClaimsEvidence, ClaimsFound, PairRun
from harness.model.plan import LoadPlan, PhaseName
from harness.model.run import Manifest
from harness.model.target import Switch
from harness.planning.claims import claims_to_measure, pair_plan, pair_seconds
from harness.planning.override import override
from harness.planning.trials import TRIAL_PROFILES, trial_profile_named
from harness.store.layout import RunDirectory
from reports.claims.table import row_of
from targets.flows import check_flows
from targets.loader import digest, find_stage, load_target, target_path


def claims(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[
        str | None, typer.Option("--stage", help="The stage of its capacity plan; the first otherwise.")
    ] = None,
    claim: Annotated[list[str] | None, typer.Option("--claim", metavar="ID", help="Only this one; repeatable.")] = None,
    profile: Annotated[
        str, typer.Option("--profile", help="How long each run measures: smoke 20 s, standard 60 s, nightly 150 s.")
    ] = TRIAL_PROFILES[0].name,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="RATE", help="Of each run; the stage's normal level otherwise.")
    ] = None,
    budget: Annotated[
        str, typer.Option("--budget", metavar="TIME", help="After it no other pair is begun: 20m, 900s, 1h.")
    ] = "30m",
    seed: Annotated[int, typer.Option("--seed", help="Of the arrival times and of every choice.")] = 7,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set an assumed figure otherwise, such as normal_rps=40/s."),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Where run directories are kept.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print claims.json, and only that.")] = False,
) -> None:
    """Measure what a plan says that indexes, a cache, compression… bring: for each switch of the reference application
    a pair of short runs with the same load, without and with it, each on servers of its own.

    Prints before, after and the factor with its interval beside the plan's. It is measured, and no verdict: the exit
    code is 0. Ctrl-C keeps the pairs so far.

    Examples:

      proofload claims flight-school --stage 1 --rate 20/s

      proofload claims flight-school --claim indexes --profile standard
    """
    target = load_target(system)
    chosen = override(target.stages[0] if stage is None else find_stage(target, stage), change or ())
    wanted = claims_to_measure(target, claim or ())
    flows = locustfile_of(target, None, target_path(system).parent)
    check_flows(target, flows)
    plan = pair_plan(
        target,
        chosen,
        trial_profile_named(profile),
        seed=seed,
        rate_per_second=None if rate is None else parse_rate(rate, "--rate"),
    )
    level = plan.levels[0]
    asked = ClaimsAsked(
        wanted, level.rate.value, level.phase(PhaseName.MEASURE).duration_seconds, parse_seconds(budget)
    )
    settings = Settings(
        target=target,
        stage=chosen,
        plan=plan,
        runs=runs,
        locustfile=flows,
        plan_digest=digest(target_path(system)),
        command=shlex.join(["proofload", *sys.argv[1:]]),
    )
    out = console(quiet=json, lasting=True)
    stop = StopRequest()
    pairs = len({each.switch for each in wanted})
    counted = f"{_count(len(wanted), 'claim')} in {_count(pairs, 'pair')} of runs"
    title = f"{target.title}, stage {chosen.name}: {counted}"
    out.print(f"Proofload  {title}, about {pair_seconds(plan) * pairs / 60:.0f} min", markup=False)
    with stopped_by_signals(stop), ClaimsDisplay(out, response_bound(chosen)) as show:
        run = measure_claims(settings, asked, show, stop)
        show.step("comparing and writing the reports")
        directory, evidence, found = conclude_claims(run.path)
        for done, read in zip(evidence.runs, evidence.read, strict=True):
            if read is not None:
                conclude(directory.path.parent / done.folder)
    if json:
        print_json(directory.claims.read_text())
    else:
        print_claims(out, directory, evidence, found)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


class ClaimsDisplay:
    """A ClaimsObserver for people: each run is shown as any run is."""

    def __init__(self, out: Console, bound_seconds: float | None) -> None:
        self._console = out
        self._bound = bound_seconds
        self._run: LiveDisplay | None = None

    def __enter__(self) -> ClaimsDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        if self._run is not None:
            self._run.__exit__()
            self._run = None

    def run_begins(self, switch: Switch, words: str, plan: LoadPlan) -> None:
        """Of a pair."""
        self.__exit__()
        self._run = LiveDisplay(self._console, plan, f"{switch.value}: {words}", self._bound).__enter__()

    def run_ended(self, done: PairRun) -> None:
        """Of a pair."""
        self.note(f"{done.ended}, {done.took_seconds:.0f} s")

    def step(self, text: str) -> None:
        """A step of the set-up or the clean-up."""
        if self._run is not None:
            self._run.step(text)

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        """The servers are up."""
        if self._run is not None:
            self._run.stack_ready(run, manifest)

    def live(self, status: LiveStatus) -> None:
        """Once a second."""
        if self._run is not None:
            self._run.live(status)

    def note(self, text: str) -> None:
        """Something happened."""
        self._console.print(f"!       {text}", markup=False, highlight=False, soft_wrap=True)


def print_claims(out: Console, run: RunDirectory, evidence: ClaimsEvidence, found: ClaimsFound) -> None:
    """A row for each claim, and where the report lies."""
    table = Table(box=None, pad_edge=False)
    for heading in ("claim", "before", "after", "times better", "the plan", "the measured interval"):
        table.add_column(heading, overflow="fold")
    for result in found.results:
        row = row_of(result)
        table.add_row(row.id, row.before, row.after, row.factor, row.planned, f"{row.support}: {row.reason}")
    out.print("")
    out.print(table, markup=False)
    out.print("MEASURED, and no verdict", markup=False)
    if found.cut_short:
        out.print(f"short   {found.cut_short}", markup=False, soft_wrap=True)
    out.print(f"report  {run.report}", markup=False, soft_wrap=True)
