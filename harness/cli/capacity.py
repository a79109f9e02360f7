"""``proofload capacity SYSTEM --stage S``: search for the highest load that a stage carries."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.conclude import EXIT_CODES, conclude_capacity
from harness.cli.output import console, print_json
from harness.cli.search_view import SearchDisplay, describe_search, print_capacity
from harness.cli.signals import stopped_by_signals
from harness.cli.verify import (
    COMPOSE,
    WithoutSwitches,
    WithSwitches,
    external_url,
    locustfile_of,
    response_bound,
    switched_stage,
)
from harness.cli.workers import Bind, ExpectWorkers, Patience, Workers, awaited
from harness.errors import ConfigError
from harness.experiment.capacity import explore
from harness.experiment.settings import Settings, StopRequest
from harness.model.exploration import Search
from harness.model.plan import Arrivals
from harness.model.slo import SloKind
from harness.model.target import Stage
from harness.model.units import Unit, format_quantity
from harness.planning.build import peak_mix
from harness.planning.override import override
from harness.planning.trials import TRIAL_PROFILES, search_settings, trial_plan, trial_profile_named
from targets.flows import check_flows
from targets.loader import digest, find_stage, load_target, target_path

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z/%]*)", re.IGNORECASE)
_DURATIONS = {"s": 1.0, "": 60.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def capacity(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[str, typer.Option("--stage", help="The stage of its capacity plan.")],
    profile: Annotated[
        str, typer.Option("--profile", help="; ".join(f"{each.name}: {each.phases.about}" for each in TRIAL_PROFILES))
    ] = TRIAL_PROFILES[0].name,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="For all trials together: 20m, 900s, 1h.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="RATE", help="Where the search begins; the planned peak otherwise.")
    ] = None,
    width: Annotated[
        str, typer.Option("--width", metavar="SHARE", help="How narrow the bracket is to be, of its lower end.")
    ] = "5%",
    seed: Annotated[int, typer.Option("--seed", help="Of the arrival times and of every choice.")] = 7,
    arrivals: Annotated[Arrivals, typer.Option("--arrivals", help="How arrivals are spaced.")] = Arrivals.POISSON,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set an assumed figure otherwise, such as normal_rps=40/s."),
    ] = None,
    stack: Annotated[
        str,
        typer.Option("--stack", help="native (local processes), compose (containers) or external (already running)."),
    ] = "native",
    host: Annotated[
        str | None, typer.Option("--host", metavar="URL", help="Of the running system, with --stack external.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="HOST", help="A host other than loopback that may be loaded; repeatable."),
    ] = None,
    locustfile: Annotated[Path | None, typer.Option("--locustfile", help="Flows of your own.")] = None,
    workers: Workers = 1,
    expect_workers: ExpectWorkers = None,
    bind: Bind = None,
    patience: Patience = 300,
    runs: Annotated[Path, typer.Option("--runs", help="Where run directories are kept.")] = Path("runs"),
    with_: WithSwitches = None,
    without: WithoutSwitches = None,
    json: Annotated[bool, typer.Option("--json", help="Print capacity.json, and only that.")] = False,
) -> None:
    """Search for the highest load of a stage's mix that keeps its SLOs: trial after trial on one stack, until the
    bracket between the highest rate that passes and the lowest proven to fail is narrow, then confirmations.

    Ctrl-C ends the search, keeps the trials so far and still writes the report.
    Exit codes: 0 when at least the planned peak is carried, 10 when it is proven not to be, 11 when that cannot be
    said, 12 when the trials were unsound, bad input 20, stack 21, generator 22.

    Examples:

      proofload capacity lectio --stage A

      proofload capacity lectio --stage B --profile standard --budget 40m --from 120

      proofload capacity lectio --stage A --without indexes

      proofload capacity ./mine.toml --stage 1 --stack external --host http://127.0.0.1:8000 --locustfile ./flows.py

      proofload capacity lectio --stage C --stack external --host http://10.0.0.9 --allow 10.0.0.9 \\
        --expect-workers 3 --bind 10.0.0.5

    Every trial is a load of its own: start the workers with proofload worker --forever.
    """
    expected = awaited(expect_workers, bind, patience, workers=workers, allowed=tuple(allow or ()), seen=not json)
    target = load_target(system)
    chosen = override(find_stage(target, stage), change or ())
    base_url = external_url(stack, host, tuple(allow or ()))
    chosen, deviations = switched_stage(chosen, with_ or (), without or (), base_url)
    flows = locustfile_of(target, locustfile, target_path(system).parent)
    check_flows(target, flows)
    lengths = trial_profile_named(profile)
    settings = search_settings(
        target,
        chosen,
        lengths,
        first_rate_per_second=None if first is None else parse_rate(first, "--from"),
        width=_share(width),
        budget_seconds=None if budget is None else parse_seconds(budget),
    )
    plan = trial_plan(
        target, chosen, lengths, settings.first_rate_per_second, settings.trial_seconds, seed=seed, arrivals=arrivals
    )
    peak = peak_mix(target, chosen).rate
    search = Search(settings, peak, arrivals, *_bound(chosen))
    out = console(quiet=json, lasting=True)
    stop = StopRequest()
    title = f"{target.title}, stage {chosen.name}: capacity search"
    run_settings = Settings(
        target=target,
        stage=chosen,
        plan=plan,
        runs=runs,
        locustfile=flows,
        plan_digest=digest(target_path(system)),
        command=shlex.join(["proofload", *sys.argv[1:]]),
        base_url=base_url,
        deviations=deviations,
        containers=stack == COMPOSE,
        workers=workers,
        awaited=expected,
    )
    with (
        stopped_by_signals(stop),
        SearchDisplay(out, search, title, describe_search(search, lengths.name, seed), response_bound(chosen)) as show,
    ):
        run = explore(run_settings, search, lengths, show, stop)
        show.step("judging and writing the report")
        directory, found, verdict = conclude_capacity(run.path)
    if json:
        print_json(directory.capacity.read_text())
    else:
        print_capacity(out, directory, found, verdict)
    raise typer.Exit(EXIT_CODES[verdict.outcome])


def _bound(stage: Stage) -> tuple[float | None, str]:
    """The response time's decisive bound at the peak, for the plot."""
    for slo in stage.slos:
        if slo.kind is SloKind.QUANTILE and slo.sli == "http_response_seconds" and "peak" in slo.levels:
            figure = slo.critical or slo.warning
            assert figure is not None and slo.quantile is not None  # Slo's own invariants
            return figure.value, f"p{slo.quantile * 100:.4g} ≤ {format_quantity(figure.value, Unit.SECONDS)}"
    return None, ""


def _number(words: str, option: str, example: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(words.strip())
    if found is None:
        raise ConfigError(f'"{words}" is no number with a unit', option, f"such as {option} {example}")
    return float(found[1]), found[2].lower()


def parse_seconds(words: str) -> float:
    """Of ``--budget``: 20m, 900s, 1h; minutes without a unit. Raises ConfigError."""
    value, unit = _number(words, "--budget", "20m")
    if unit not in _DURATIONS or value <= 0:
        raise ConfigError(f'"{words}" is no time', "--budget", "such as --budget 20m, 900s or 1h")
    return value * _DURATIONS[unit]


def parse_rate(words: str, option: str) -> float:
    """80, 80/s or 80 rps. Raises ConfigError."""
    value, unit = _number(words, option, "80")
    if unit not in ("", "/s", "rps") or value <= 0:
        raise ConfigError(f'"{words}" is no rate', option, f"such as {option} 80 or {option} 80/s")
    return value


def _share(words: str) -> float:
    value, unit = _number(words, "--width", "5%")
    share = value / 100 if unit == "%" else value
    if unit not in ("", "%") or not 0 < share <= 1:
        raise ConfigError(f'"{words}" is no share', "--width", "such as --width 5% or --width 0.05")
    return share
