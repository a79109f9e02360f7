"""Every figure of a system by its path, as an audit names it.

stages.A.load.peak_rps              audience, server, sizing, load, costs, application
stages.A.figures.targets.api_p95    a table of its own of a stage
stages.A.slos.response-time.critical    warning, critical
figures.storage.post                a table of the system
claims.indexes.before               before, after, factor, reduction, increase
rules.cpu-up.above                  above, below, for, lead_time, target, over_below, under_above, uptime
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.model.figure import Figure
from harness.model.target import CapacityTarget, FigureGroup, Stage

STAGE_TABLES = ("audience", "server", "sizing", "load", "costs", "application")
"""A stage's tables that the harness reads."""


def figures_by_path(target: CapacityTarget) -> Mapping[str, Figure]:
    """Every figure of the system."""
    return dict(_figures(target))


def _figures(target: CapacityTarget) -> Iterator[tuple[str, Figure]]:
    yield from _grouped("figures", target.groups)
    for stage in target.stages:
        yield from _stage_figures(stage)
    for claim in target.claims:
        for figure in claim.figures:
            yield f"claims.{claim.id}.{figure.name}", figure
    for rule in target.planned_rules:
        for figure in rule.numbers:
            yield f"rules.{rule.id}.{figure.name}", figure


def _stage_figures(stage: Stage) -> Iterator[tuple[str, Figure]]:
    place = f"stages.{stage.name}"
    for table in STAGE_TABLES:
        for figure in getattr(stage, table):
            yield f"{place}.{table}.{figure.name}", figure
    yield from _grouped(f"{place}.figures", stage.groups)
    for slo in stage.slos:
        for name, bound in (("warning", slo.warning), ("critical", slo.critical)):
            if bound is not None:
                yield f"{place}.slos.{slo.id}.{name}", bound


def _grouped(place: str, groups: tuple[FigureGroup, ...]) -> Iterator[tuple[str, Figure]]:
    for group in groups:
        for figure in group.figures:
            yield f"{place}.{group.name}.{figure.name}", figure
