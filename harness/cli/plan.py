"""``proofload plan SYSTEM --stage S``: a dry run, which starts nothing."""

from __future__ import annotations

import math
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.cli.output import console, print_json
from harness.model.figure import Figure
from harness.model.hostsize import compare_host
from harness.model.plan import Arrivals, LoadPlan, PhaseName
from harness.model.rule import duration_words
from harness.model.run import scale_words
from harness.model.target import CapacityTarget, FlowKind, Stage
from harness.model.units import Unit, format_quantity
from harness.planning.budget import Budget, RuleBudget, SampleBudget, budget
from harness.planning.build import build_plan
from harness.planning.outlook import Outlook, outlook
from harness.planning.override import override
from harness.planning.profiles import PROFILES, profile_named
from harness.planning.scale import scaled
from harness.stack.host import host_size
from harness.store.jsonl import encode
from targets.loader import find_stage, load_target


def plan(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[str, typer.Option("--stage", help="The stage of its capacity plan.")],
    profile: Annotated[
        str, typer.Option("--profile", help="; ".join(f"{known.name}: {known.about}" for known in PROFILES))
    ] = PROFILES[0].name,
    seed: Annotated[int, typer.Option("--seed", help="Of the arrival times and of every choice.")] = 7,
    arrivals: Annotated[Arrivals, typer.Option("--arrivals", help="How arrivals are spaced.")] = Arrivals.POISSON,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set an assumed figure otherwise, such as normal_rps=40/s."),
    ] = None,
    scale: Annotated[
        float,
        typer.Option("--scale", help="Shrink load and servers together, such as 0.25: a rehearsal, never a PASS."),
    ] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
) -> None:
    """Show what a run would do, without doing it: levels, duration, rates, expected requests, generator cores, whether
    the sample will be large enough for each SLO, and what can come out on this host.

    Examples:

      proofload plan lectio --stage A

      proofload plan lectio --stage C --profile nightly

      proofload plan ./mine.toml --stage 1 --json
    """
    target = load_target(system)
    chosen = scaled(override(find_stage(target, stage), change or ()), scale)
    load_plan = build_plan(target, chosen, profile_named(profile), seed, arrivals)
    cost = budget(load_plan, chosen)
    host = host_size()
    compared = compare_host(chosen, host.cpu_cores, host.memory_bytes)
    can = outlook(cost, load_plan.profile, compared, scale, cpu_cores=host.cpu_cores)
    if json:
        parts = {"plan": load_plan, "budget": cost, "possible": can.possible, "outlook": can.lines}
        members = ", ".join(f'"{name}": {encode(part).decode()}' for name, part in parts.items())
        print_json(f"{{{members}}}")
    else:
        _show(console(), target, chosen, load_plan, cost, can, scale)


def _show(
    out: Console,
    target: CapacityTarget,
    stage: Stage,
    load_plan: LoadPlan,
    cost: Budget,
    can: Outlook,
    scale: float,
) -> None:
    if scale_words(scale):
        out.print(f"[bold yellow]REHEARSAL[/]   {scale_words(scale)}", highlight=False)
    out.print(
        f"[bold]{escape(target.title)}, stage {stage.name}: {escape(stage.title)}[/bold]   profile "
        f"{load_plan.profile}, {_duration(cost.seconds)} of load, {load_plan.arrivals.capitalize()} arrivals, "
        f"seed {load_plan.seed}\n"
    )
    out.print(_levels(load_plan, cost))
    out.print(_phases(load_plan))
    out.print(f"\n[bold]Requests expected[/bold]   {cost.requests:,.0f} in all; in the measure phases:")
    out.print(_flows(load_plan, cost))
    out.print(
        f"\n[bold]Generator[/bold]   about {cost.generator_cores * 100:.0f} % of one core at most (ESTIMATED); at most "
        f"{load_plan.max_in_flight:,} sessions at once, {load_plan.max_waiting:,} more may wait; "
        f"a request times out after {load_plan.request_timeout_seconds:g} s"
    )
    out.print("\n[bold]Will the sample be large enough?[/bold]   for 95 % confidence, when none is bad")
    out.print(_samples(load_plan, cost))
    if cost.rules:
        out.print(
            "\n[bold]Will the run be long enough for the rules?[/bold]   otherwise they have no say in its outcome"
        )
        out.print(_rules(load_plan, cost))
    out.print(f"\n[bold]What can come out[/bold]   on this host: {can.words}")
    for line in can.lines:
        out.print(f"  · {line}", markup=False, highlight=False)
    if load_plan.assumptions:
        out.print("\n[bold]Assumed[/bold]   because the plan is silent")
        table = _table("", "", "", header=False)
        for figure in load_plan.assumptions:
            table.add_row(figure.name, _value(figure), escape(figure.note))
        out.print(table)


def _levels(load_plan: LoadPlan, cost: Budget) -> Table:
    table = _table("level", "rate", "known", "sockets", "chat", "deliveries", "uploads", "requests")
    for level, its in zip(load_plan.levels, cost.levels, strict=True):
        uploads = format_quantity(level.upload_rate_per_second, Unit.PER_SECOND)
        probes = f" + {level.probe_uploads} probes" if level.probe_uploads else ""
        table.add_row(
            level.name,
            _value(level.rate),
            level.rate.provenance,
            f"{its.users:,}",
            format_quantity(its.message_rate_per_second, Unit.PER_SECOND),
            format_quantity(its.delivery_rate_per_second, Unit.PER_SECOND),
            uploads + probes,
            f"{its.requests:,.0f}",
        )
    return table


def _phases(load_plan: LoadPlan) -> str:
    level = load_plan.levels[0]
    lengths = " → ".join(f"{phase.name} {phase.duration_seconds:g} s" for phase in level.phases)
    batches = round(level.phase(PhaseName.MEASURE).duration_seconds / load_plan.batch_seconds)
    return f"each level: {lengths}; judged: measure, in {batches} batches of {load_plan.batch_seconds:g} s"


def _flows(load_plan: LoadPlan, cost: Budget) -> Table:
    table = _table("flow", *(level.name for level in load_plan.levels))
    for index, flow in enumerate(load_plan.flows):
        name = f"{flow.name} messages" if flow.kind is FlowKind.SOCKETIO else flow.name
        cells = []
        for level in cost.levels:
            its = level.flows[index]
            cells.append(f"{its.measured_arrivals if flow.kind is FlowKind.SOCKETIO else its.measured_requests:,.0f}")
        table.add_row(name, *cells)
    return table


def _samples(load_plan: LoadPlan, cost: Budget) -> Table:
    names = [level.name for level in load_plan.levels]
    table = _table("SLO", *names, "needed")
    by_slo: dict[str, dict[str, SampleBudget]] = {}
    for sample in cost.samples:
        by_slo.setdefault(sample.slo_id, {})[sample.level] = sample
    for cells in by_slo.values():
        first = next(iter(cells.values()))
        table.add_row(escape(first.title), *(_cell(cells.get(name)) for name in names), _needed(first))
    return table


def _cell(sample: SampleBudget | None) -> str:
    if sample is None:
        return "[dim]–[/dim]"
    if sample.expected is None:
        return "yes"
    tight = " (tight)" if sample.reason.startswith("tight") else ""
    return f"yes, {sample.expected:,.0f}{tight}" if sample.enough else f"[bold yellow]no, {sample.expected:,.0f}[/]"


def _needed(sample: SampleBudget) -> str:
    return "– (a fact)" if sample.needed is None else f"{sample.needed:,} {sample.counted}"


def _rules(load_plan: LoadPlan, cost: Budget) -> Table:
    names = [level.name for level in load_plan.levels]
    table = _table("rule", *names, "takes, measured at each level", "whole run", "profile")
    by_rule: dict[str, dict[str, RuleBudget]] = {}
    for rule in cost.rules:
        by_rule.setdefault(rule.rule_id, {})[rule.level] = rule
    for cells in by_rule.values():
        worst = max(cells.values(), key=lambda rule: math.inf if rule.needed_seconds is None else rule.needed_seconds)
        takes, run = (
            "–" if seconds is None else duration_words(round(seconds))
            for seconds in (worst.needed_seconds, worst.run_seconds)
        )
        said = (_rule(cells.get(name)) for name in names)
        table.add_row(escape(f"{worst.title} {worst.condition}"), *said, takes, run, worst.profile or "none is so long")
    return table


def _rule(rule: RuleBudget | None) -> str:
    return "[dim]–[/dim]" if rule is None else "yes" if rule.enough else "[bold yellow]no[/]"


def _value(figure: Figure) -> str:
    text = format_quantity(figure.value, figure.unit)
    return text if figure.high is None else f"{text} to {format_quantity(figure.high, figure.unit)}"


def _duration(seconds: float) -> str:
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _table(*headings: str, header: bool = True) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=header)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
