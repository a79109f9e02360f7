"""Assumed figures, set otherwise on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from harness.errors import PlanError
from harness.model.figure import Figure, Provenance
from harness.model.target import Stage
from harness.model.units import parse_quantity

HINT = "only what the plan is silent about can be set, such as --set normal_rps=40/s; the rest is the plan's own"


def override(stage: Stage, settings: Sequence[str]) -> Stage:
    """The stage with figures set otherwise, each as ``NAME=VALUE``. They stay assumed, and say so.

    Raises PlanError with every setting that names no figure, one that the plan itself states, or no such quantity.
    """
    figures = {figure.name: figure for figure in stage.figures}
    changed: dict[str, Figure] = {}
    mistakes: list[str] = []
    for setting in settings:
        try:
            name, value = _split(setting)
            if name in changed:
                raise ValueError("is set twice")
            changed[name] = _set(figures, name, value)
        except ValueError as error:
            mistakes.append(f"{setting}: {error}")
    if mistakes:
        raise PlanError(f"stage {stage.name} cannot be changed so", mistakes, HINT)

    def table(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
        return tuple(changed.get(figure.name, figure) for figure in figures)

    return replace(
        stage,
        audience=table(stage.audience),
        server=table(stage.server),
        sizing=table(stage.sizing),
        load=table(stage.load),
        costs=table(stage.costs),
        application=table(stage.application),
    )


def _split(setting: str) -> tuple[str, str]:
    name, sign, value = setting.partition("=")
    if not sign:
        raise ValueError("write NAME=VALUE")
    return name.strip(), value.strip()


def _set(figures: dict[str, Figure], name: str, value: str) -> Figure:
    figure = figures.get(name)
    if figure is None:
        close = get_close_matches(name, figures, n=1)
        raise ValueError("no figure is called so" + (f'; did you mean "{close[0]}"?' if close else ""))
    if figure.provenance is not Provenance.ASSUMED:
        raise ValueError(f"is {figure.provenance}, from {figure.citation}")
    quantity = parse_quantity(value)
    if quantity.unit is not figure.unit:
        raise ValueError(f"is in {quantity.unit}, but {name} is in {figure.unit}")
    note = f"set on the command line; the file assumes {str(figure).removesuffix(' (assumed)')}: {figure.note}"
    return replace(figure, value=quantity.value, high=quantity.high, note=note)
