"""A stage made smaller, load and servers together: for rehearsals (docs/adr/0009)."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import PlanError
from harness.model.figure import Figure, Provenance
from harness.model.target import Stage
from harness.model.units import Unit

LOAD = (
    "normal_rps",
    "peak_rps",
    "normal_users",
    "concurrent_users",
    "normal_upload_rate",
    "upload_rate",
)
"""What is offered. Messages shrink with the users who write them."""
SIZES = (
    "vcpu",
    "memory",
    "disk_app",
    "disk_db",
    "iops",
    "gunicorn_workers",
    "gunicorn_worker_connections",
    "celery_default_workers",
    "celery_heavy_workers",
    "db_pool_size",
    "db_max_overflow",
    "pgbouncer_pool_size",
    "pgbouncer_max_client_connections",
    "postgres_max_connections",
    "postgres_shared_buffers",
    "redis_maxmemory",
    "websocket_capacity",
)
"""What carries it. A process keeps its own limits and timeouts: there are fewer processes instead."""


def scaled(stage: Stage, factor: float) -> Stage:
    """The stage at that share of its load, its servers and its audience; whole numbers are rounded, to 1 at least.

    Raises PlanError unless 0 < factor ≤ 1. At 1 it is the stage itself.
    """
    if not 0 < factor <= 1:
        raise PlanError(
            f"a stage cannot be scaled to {factor:g}", "--scale", "a share above 0 and at most 1, such as 0.25"
        )
    if factor == 1:
        return stage

    def table(figures: tuple[Figure, ...], names: tuple[str, ...]) -> tuple[Figure, ...]:
        return tuple(_scaled(figure, factor) if figure.name in names else figure for figure in figures)

    people = tuple(figure.name for figure in stage.audience if figure.unit is Unit.COUNT)
    return replace(
        stage,
        audience=table(stage.audience, people),
        server=table(stage.server, SIZES),
        sizing=table(stage.sizing, SIZES),
        load=table(stage.load, LOAD),
    )


def _scaled(figure: Figure, factor: float) -> Figure:
    low = _times(figure.value, figure.unit, factor)
    high = None if figure.high is None else max(low, _times(figure.high, figure.unit, factor))
    provenance = Provenance.ASSUMED if figure.provenance is Provenance.ASSUMED else Provenance.DERIVED
    return replace(figure, value=low, high=high, provenance=provenance, note=f"{factor:g} × {figure}, for a rehearsal")


def _times(value: float, unit: Unit, factor: float) -> float:
    """0 stays 0: what the stage does without, its rehearsal does without."""
    if unit is Unit.COUNT:
        return float(max(1, round(value * factor))) if value else 0.0
    return float(max(1, round(value * factor))) if unit is Unit.BYTES else value * factor
