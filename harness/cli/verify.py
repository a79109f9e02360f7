"""``proofload verify SYSTEM --stage S``: proof-load a stage and give a verdict."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.allow import check_allowed
from harness.cli.conclude import EXIT_CODES, conclude
from harness.cli.live import LiveDisplay
from harness.cli.output import console, print_json
from harness.cli.signals import stopped_by_signals
from harness.cli.verdict_view import print_verdict
from harness.cli.workers import Bind, ExpectWorkers, Patience, Workers, awaited
from harness.errors import ConfigError
from harness.experiment.run import execute
from harness.experiment.settings import Settings, StopRequest
from harness.model.plan import Arrivals
from harness.model.run import scale_words
from harness.model.slo import SloKind
from harness.model.target import CapacityTarget, Stage, Switch
from harness.planning.build import build_plan
from harness.planning.override import override
from harness.planning.profiles import profile_named
from harness.planning.scale import scaled
from harness.planning.switches import switch_named, switched
from harness.stack.external import external_endpoints
from targets.flows import check_flows
from targets.loader import digest, find_stage, load_target, target_path

NATIVE, COMPOSE = "native", "compose"
PROJECT = Path(__file__).resolve().parents[2]

WithSwitches = Annotated[
    list[str] | None, typer.Option("--with", metavar="SWITCH", help=f"Turn on {', '.join(Switch)}; repeatable.")
]
WithoutSwitches = Annotated[
    list[str] | None, typer.Option("--without", metavar="SWITCH", help="Turn one of them off; repeatable.")
]


def verify(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[str, typer.Option("--stage", help="The stage of its capacity plan.")],
    profile: Annotated[
        str, typer.Option("--profile", help="smoke (3 min), standard (20 min) or nightly (50 min).")
    ] = "smoke",
    seed: Annotated[int, typer.Option("--seed", help="Of the arrival times and of every choice.")] = 7,
    arrivals: Annotated[Arrivals, typer.Option("--arrivals", help="How arrivals are spaced.")] = Arrivals.POISSON,
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
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set an assumed figure otherwise, such as normal_rps=40/s."),
    ] = None,
    scale: Annotated[
        float,
        typer.Option("--scale", help="Shrink load and servers together, such as 0.25: a rehearsal, never a PASS."),
    ] = 1.0,
    with_: WithSwitches = None,
    without: WithoutSwitches = None,
    json: Annotated[bool, typer.Option("--json", help="Print verdicts.json, and only that.")] = False,
) -> None:
    """Proof-load a stage: start its servers, ramp the load normal → peak → 3x-peak → recovery, and judge.

    Ctrl-C ends the load, keeps the evidence and still writes the report.
    Exit codes: PASS 0, FAIL 10, INCONCLUSIVE 11, INVALID 12, bad input 20, stack 21, generator 22.

    Examples:

      proofload verify lectio --stage A

      proofload verify lectio --stage B --profile standard --seed 11

      proofload verify lectio --stage B --without indexes

      proofload verify ./mine.toml --stage 1 --stack external --host http://127.0.0.1:8000 --locustfile ./flows.py

      proofload verify lectio --stage C --stack external --host http://10.0.0.9 --allow 10.0.0.9 \\
        --expect-workers 3 --bind 10.0.0.5
    """
    expected = awaited(expect_workers, bind, patience, workers=workers, allowed=tuple(allow or ()), seen=not json)
    target = load_target(system)
    chosen = scaled(override(find_stage(target, stage), change or ()), scale)
    base_url = external_url(stack, host, tuple(allow or ()))
    chosen, deviations = switched_stage(chosen, with_ or (), without or (), base_url)
    flows = locustfile_of(target, locustfile, target_path(system).parent)
    check_flows(target, flows)
    settings = Settings(
        target=target,
        stage=chosen,
        plan=build_plan(target, chosen, profile_named(profile), seed=seed, arrivals=arrivals),
        runs=runs,
        locustfile=flows,
        plan_digest=digest(target_path(system)),
        command=shlex.join(["proofload", *sys.argv[1:]]),
        base_url=base_url,
        containers=stack == COMPOSE,
        workers=workers,
        awaited=expected,
        scale=scale,
        deviations=deviations,
    )
    out = console(quiet=json, lasting=True)
    stop = StopRequest()
    minutes = _minutes(settings.plan.duration_seconds)
    title = f"{target.title}, stage {chosen.name}: {audience_words(chosen)}   profile {profile}, about {minutes}"
    if scale_words(scale):
        title = f"REHEARSAL, scaled to {scale:g}   {title}"
    with stopped_by_signals(stop), LiveDisplay(out, settings.plan, title, response_bound(chosen)) as display:
        run = execute(settings, display, stop)
        display.step("judging and writing the report")
        directory, evidence, verdict = conclude(run.path)
    if json:
        print_json(directory.verdicts.read_text())
    else:
        print_verdict(out, directory, evidence, verdict)
    raise typer.Exit(EXIT_CODES[verdict.outcome])


def switched_stage(
    stage: Stage, on: Sequence[str], off: Sequence[str], base_url: str | None
) -> tuple[Stage, tuple[str, ...]]:
    """The stage with the switches of ``--with`` and ``--without``, and each in words. Raises ConfigError."""
    if (on or off) and base_url is not None:
        raise ConfigError(
            "a system that is already running cannot be switched", "--with, --without", "leave out --stack external"
        )
    return switched(
        stage, [switch_named(name, "--with") for name in on], [switch_named(name, "--without") for name in off]
    )


def external_url(stack: str, host: str | None, allowed: tuple[str, ...]) -> str | None:
    """Where an external stack answers; None for those of ours. Raises ConfigError, UnsafeTargetError."""
    if stack in (NATIVE, COMPOSE):
        if host is not None:
            raise ConfigError(
                "--host belongs to --stack external", "--host", "add --stack external, or leave --host out"
            )
        return None
    if stack != "external":
        raise ConfigError(f'there is no stack "{stack}"', "--stack", "native, compose or external")
    if host is None:
        raise ConfigError("--stack external needs the address of what is to be loaded", "--host", "add --host URL")
    check_allowed(host, allowed)
    return external_endpoints(host, os.environ).base_url


def locustfile_of(target: CapacityTarget, own: Path | None, folder: Path) -> Path:
    """The flows: one's own, else those that the system's file names: beside it, in ``folder``, or Proofload's. Raises
    ConfigError."""
    beside = folder / target.locustfile
    path = (own or (beside if beside.is_file() else PROJECT / "locustfiles" / target.locustfile)).resolve()
    if not path.is_file():
        raise ConfigError(
            "there is no such locustfile", str(path), "--locustfile names a Python file with the flows' classes"
        )
    return path


def response_bound(stage: Stage) -> float | None:
    """What p95 is shown against, in seconds."""
    for slo in stage.slos:
        if slo.kind is SloKind.QUANTILE and slo.sli == "http_response_seconds":
            bound = slo.warning or slo.critical
            return None if bound is None else bound.value
    return None


def audience_words(stage: Stage) -> str:
    """``300 teachers, 3,000 students``; the stage's title where the plan counts nobody."""
    return ", ".join(f"{figure} {figure.name}" for figure in stage.audience) or stage.title


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"
