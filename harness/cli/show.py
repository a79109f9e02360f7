"""``proofload show SYSTEM``: a plan as Proofload has understood it, with the source of every figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.cli.output import console, print_json
from harness.cli.systems import audience, peak, server
from harness.model.evidence import Subject
from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.rule import Rule, TimedRule
from harness.model.slo import Slo
from harness.model.target import CapacityTarget, Claim, FlowKind, PlannedRule, Stage
from harness.model.units import format_quantity
from harness.store.jsonl import encode
from targets.coverage import value_text
from targets.loader import find_stage, load_target


def show(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A planned system's name, or a path to your own TOML.")
    ],
    stage: Annotated[str | None, typer.Option("--stage", help="One stage, with every figure.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, and only that.")] = False,
) -> None:
    """Show a system's capacity plan; with --stage every figure of that stage, its source and how it is known.

    A figure is stated by the plan, derived from it (with the arithmetic) or assumed (with the reason).

    Examples:

      proofload show lectio

      proofload show lectio --stage A

      proofload show ./mine.toml --stage 1 --json
    """
    target = load_target(system)
    chosen = None if stage is None else find_stage(target, stage)
    if json:
        whole = target if chosen is None else Subject(target.name, target.title, target.document, chosen)
        print_json(encode(whole, indent=1))
    elif chosen is None:
        _show_system(console(), target)
    else:
        _show_stage(console(), target, chosen)


def _show_system(out: Console, target: CapacityTarget) -> None:
    out.print(f"[bold]{escape(target.title)}[/bold]   from {escape(target.document)}\n")
    stages = _table("stage", "audience", "peak", "server", "bottleneck")
    for stage in target.stages:
        cells = (f"{stage.name}  {stage.title}", audience(stage), peak(stage), server(stage), stage.bottleneck.text)
        stages.add_row(*(escape(cell) for cell in cells))
    out.print(stages)
    _heading(out, "What people do")
    flows = _table("flow", "carried by", "share of sessions", "HTTP requests", "")
    for flow in target.flows:
        share = f"{flow.share * 100:g} %" if flow.kind is FlowKind.HTTP else "–"
        steps = f"{flow.http_steps:g}" if flow.http_steps else "–"
        flows.add_row(flow.name, flow.kind, share, steps, escape(flow.note))
    out.print(flows)
    for group in target.groups:
        _heading(out, escape(group.title))
        out.print(_figures(group.figures))
    _claims(out, target.claims)
    _rules(out, target.planned_rules)
    _statements(out, "What else the plan says", target.facts)
    hints = [f"proofload show {target.name} --stage {target.stages[0].name} shows every figure of a stage"]
    if target.audits:
        hints.append(f"proofload audit {target.name} holds the plan against itself")
    out.print("\n" + escape("; ".join(hints)), style="dim")


def _show_stage(out: Console, target: CapacityTarget, stage: Stage) -> None:
    out.print(
        f"[bold]{escape(target.title)}, stage {stage.name}: {escape(stage.title)}[/bold]   {_source(stage.citation)}"
    )
    out.print(f"bottleneck   {escape(stage.bottleneck.text)}   [dim]{_source(stage.bottleneck.citation)}[/dim]")
    groups: tuple[tuple[str, tuple[Figure, ...]], ...] = (
        ("Audience", stage.audience),
        ("Server", stage.server),
        ("Sizing", stage.sizing),
        ("Expected load", stage.load),
        ("Told to the application", stage.application),
        ("Cost", stage.costs),
        *((escape(group.title), group.figures) for group in stage.groups),
    )
    for title, figures in groups:
        if figures:
            _heading(out, title)
            out.print(_figures(figures))
    _heading(out, "Bounds")
    out.print(_slos(stage.slos))
    if stage.rules:
        _heading(out, "Rules that a run judges")
        out.print(_judged_rules(stage.rules))
    _statements(out, "Migration to this stage", stage.migration)
    _statements(out, "Recommendations", stage.recommendations)
    _statements(out, "Otherwise than the plan", stage.deviations)


def _figures(figures: Iterable[Figure]) -> Table:
    table = _table("figure", "value", "known", "source")
    for figure in figures:
        value = format_quantity(figure.value, figure.unit)
        if figure.high is not None:
            value += f" to {format_quantity(figure.high, figure.unit)}"
        why = f"{figure.note}\n" if figure.note else ""
        table.add_row(
            figure.name, value, _provenance(figure.provenance), f"{escape(why)}[dim]{_source(figure.citation)}[/dim]"
        )
    return table


def _claims(out: Console, claims: tuple[Claim, ...]) -> None:
    if not claims:
        return
    _heading(out, "What is said to become better")
    table = _table("claim", "by", "measured with and without", "source")
    for claim in claims:
        numbers = ", ".join(f"{figure.name} {value_text(figure)}" for figure in claim.figures)
        table.add_row(escape(claim.text), numbers, claim.switch or "–", f"[dim]{_source(claim.citation)}[/dim]")
    out.print(table)


def _rules(out: Console, rules: tuple[PlannedRule, ...]) -> None:
    if not rules:
        return
    _heading(out, "When the plan acts")
    table = _table("rule", "when", "to", "stages", "source")
    for rule in rules:
        numbers = ", ".join(f"{figure.name.replace('_', ' ')} {value_text(figure)}" for figure in rule.numbers)
        stages = ", ".join(rule.stages) or "all"
        source = f"[dim]{_source(rule.citation)}[/dim]"
        table.add_row(f"{escape(rule.title)}, {rule.purpose}", numbers, escape(rule.action) or "–", stages, source)
    out.print(table)


def _slos(slos: Iterable[Slo]) -> Table:
    table = _table("what", "warning", "critical", "at", "known", "source")
    for slo in slos:
        first = slo.critical or slo.warning
        assert first is not None
        title = f"{slo.title}, p{slo.quantile * 100:g}" if slo.quantile is not None else slo.title
        why = "\n".join(filter(None, (slo.note and f"assumed: {slo.note}", first.note)))
        source = f"{escape(why)}{chr(10) if why else ''}[dim]{_source(slo.citation)}[/dim]"
        known = _provenance(first.provenance)
        table.add_row(
            escape(title), _bound(slo, slo.warning), _bound(slo, slo.critical), ", ".join(slo.levels), known, source
        )
    return table


def _judged_rules(rules: Iterable[Rule]) -> Table:
    table = _table("what", "when", "purpose", "at", "source")
    for rule in rules:
        what = rule.purpose if isinstance(rule, TimedRule) else {"band": "utilisation target"}.get(rule.kind, rule.kind)
        action = f" → {rule.action}" if isinstance(rule, TimedRule) and rule.action else ""
        source = f"[dim]{_source(rule.citation)}[/dim]"
        table.add_row(escape(rule.title), escape(f"{rule.condition}{action}"), what, ", ".join(rule.levels), source)
    return table


def _bound(slo: Slo, bound: Figure | None) -> str:
    return "–" if bound is None else f"{slo.comparison.sign} {format_quantity(bound.value, bound.unit)}"


def _provenance(provenance: Provenance) -> str:
    return provenance if provenance is Provenance.STATED else f"[yellow]{provenance}[/yellow]"


def _source(citation: Citation) -> str:
    return escape(f"{citation.section}: “{citation.quote}”" if citation.quote else citation.section)


def _statements(out: Console, title: str, statements: tuple[Statement, ...]) -> None:
    if not statements:
        return
    _heading(out, title)
    table = _table()
    for statement in statements:
        table.add_row(escape(statement.text), f"[dim]{_source(statement.citation)}[/dim]")
    out.print(table)


def _heading(out: Console, title: str) -> None:
    out.print(f"\n[bold]{title}[/bold]")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
