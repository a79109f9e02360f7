"""The reference application with and without something: switches set on the command line. Pure.

A switch becomes figures of the stage, assumed ones whose note says who set them, so that everything that reads the
stage follows, and target.json shows what was run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.errors import ConfigError
from harness.model.figure import Citation, Figure, Provenance
from harness.model.target import Stage, Switch
from harness.model.units import Unit

APPLICATION = (Switch.INDEXES, Switch.CACHE, Switch.N_PLUS_ONE)
"""Told to the application; the others are of its servers."""
TITLES = {
    Switch.INDEXES: "database indexes",
    Switch.CACHE: "the Redis cache",
    Switch.N_PLUS_ONE: "N+1 queries",
    Switch.COMPRESSION: "compressed responses",
    Switch.HEAVY_QUEUE: "a heavy queue of its own",
    Switch.PGBOUNCER: "PgBouncer",
}


def switch_named(name: str, option: str) -> Switch:
    """The switch of that name, with - or _. Raises ConfigError."""
    try:
        return Switch(name.strip().lower().replace("-", "_"))
    except ValueError:
        known = ", ".join(Switch)
        raise ConfigError(f'there is no switch "{name}"', option, f"switches: {known}") from None


def switched(stage: Stage, on: Sequence[Switch], off: Sequence[Switch]) -> tuple[Stage, tuple[str, ...]]:
    """The stage with those switches on and off, and each in words: deviations of the run from the plan.

    Raises ConfigError for one that is to be both.
    """
    both = [switch for switch in on if switch in off]
    if both:
        raise ConfigError(f"{both[0]} cannot be on and off", "--with, --without", "leave one of the two out")
    words = []
    for switch in dict.fromkeys((*on, *off)):
        stage = _set(stage, switch, switch in on)
        words.append(f"{'with' if switch in on else 'without'} {TITLES[switch]}, set on the command line")
    return stage, tuple(words)


def _set(stage: Stage, switch: Switch, on: bool) -> Stage:
    if switch in APPLICATION:
        return replace(stage, application=_with(stage, stage.application, switch.value, on, switch))
    if switch is not Switch.HEAVY_QUEUE:
        return replace(stage, sizing=_with(stage, stage.sizing, switch.value, on, switch))
    default, heavy = _workers(
        int(stage.value("celery_default_workers")), int(stage.value("celery_heavy_workers", 0)), on
    )
    sizing = _with(stage, stage.sizing, "celery_default_workers", default, switch)
    return replace(stage, sizing=_with(stage, sizing, "celery_heavy_workers", heavy, switch))


def _workers(default: int, heavy: int, on: bool) -> tuple[int, int]:
    """As many as before in all, so that only the queue differs; one more where there was but one."""
    if not on:
        return default + heavy, 0
    return (default, heavy) if heavy else (max(1, default - 1), 1)


def _with(stage: Stage, figures: tuple[Figure, ...], name: str, value: float, switch: Switch) -> tuple[Figure, ...]:
    before = next((figure for figure in figures if figure.name == name), None)
    note = f"{TITLES[switch]}: set on the command line; the file " + (
        "says nothing of it" if before is None else f"has {before}"
    )
    citation = Citation(stage.citation.document, stage.citation.section) if before is None else before.citation
    figure = Figure(name, float(value), Unit.COUNT, Provenance.ASSUMED, citation, note=note)
    return (*(each for each in figures if each.name != name), figure)
