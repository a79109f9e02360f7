"""Can this be trusted? Validity checks, the generator's health, sampling, host, versions, and how to run it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from harness.model.plan import Arrivals
from harness.model.run import Manifest
from harness.model.units import Unit, format_quantity
from harness.model.verdict import CheckResult
from reports.charts import Bound, TimeChart, render
from reports.frames import sampling_cost
from reports.material import Material
from reports.sections.happened import series

OVERHEAD_BOUND = 0.02
"""Of one core, for all samplers together."""
WHOLE_RUN = "whole run"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One validity check: what it asks for, and its result at each level (None where it does not apply)."""

    title: str
    limit: str
    results: tuple[CheckResult | None, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything that speaks for or against the evidence."""

    levels: tuple[str, ...]
    checks: tuple[CheckRow, ...]
    failed: tuple[CheckResult, ...]
    found: tuple[CheckResult, ...]
    unknown: int
    charts: tuple[tuple[str, Markup], ...]
    overhead: str
    overhead_kept: bool
    samplers: tuple[tuple[str, str, str], ...]
    writes: str
    facts: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    command: str


def build(material: Material) -> Trust:
    """The section, from the verdict's checks and the manifest."""
    verdict, evidence = material.verdict, material.evidence
    found = {check.level for check in verdict.checks}
    levels = [level.name.value for level in evidence.plan.levels if level.name in found]
    levels += sorted(found - set(levels) - {""})
    if "" in found:
        levels.append("")
    costs = _costs(material)
    total = sum(share for _, _, share in costs)
    return Trust(
        levels=tuple(level or WHOLE_RUN for level in levels),
        checks=tuple(_row(verdict.checks, key, levels) for key in dict.fromkeys(c.id for c in verdict.checks)),
        failed=tuple(check for check in verdict.checks if check.passed is False),
        found=verdict.checks,
        unknown=sum(check.passed is None for check in verdict.checks),
        charts=_charts(material),
        overhead=format_quantity(total, Unit.RATIO) if costs else "",
        overhead_kept=total <= OVERHEAD_BOUND,
        samplers=tuple((name, f"{count:,}", format_quantity(share, Unit.RATIO)) for name, count, share in costs),
        writes=_writes(material),
        facts=run_facts(evidence.manifest, evidence.plan.arrivals),
        versions=tuple(sorted(evidence.manifest.versions.items())),
        command=evidence.manifest.command,
    )


def _costs(material: Material) -> tuple[tuple[str, int, float], ...]:
    """What each sampler cost while there was load."""
    start, axis = material.evidence.load_start_seconds, material.axis
    if start is None or axis is None:
        return ()
    during = [s for s in material.evidence.servers if 0 <= s.monotonic_seconds - start <= axis.end_seconds]
    return sampling_cost(during, axis.end_seconds)


def _row(checks: tuple[CheckResult, ...], key: str, levels: list[str]) -> CheckRow:
    mine = {check.level: check for check in checks if check.id == key}
    first = next(iter(mine.values()))
    limits = tuple(dict.fromkeys(check.limit for check in mine.values()))
    limit = limits[0] if len(limits) == 1 else ", ".join(f"{check.level}: {check.limit}" for check in mine.values())
    return CheckRow(first.title, limit, tuple(mine.get(level) for level in levels))


def _charts(material: Material) -> tuple[tuple[str, Markup], ...]:
    axis, timeline = material.axis, material.timeline
    if axis is None or not material.evidence.generator:
        return ()
    cpu = TimeChart(
        "generator-cpu",
        "Generator CPU, of one core",
        Unit.RATIO,
        (series(timeline, "generator", timeline.generator_cpu_ratio, "first"),),
        (Bound("limit 85 %", 0.85, "critical"),),
        top=1.0,
        height=70.0,
    )
    lag = TimeChart(
        "generator-lag",
        "Generator event loop lag, p99",
        Unit.SECONDS,
        (series(timeline, "loop lag", timeline.loop_lag_p99_seconds, "first"),),
        height=70.0,
    )
    return tuple((chart.title, render(chart, axis)) for chart in (cpu, lag))


def _writes(material: Material) -> str:
    reconciliation = material.evidence.reconciliation
    if reconciliation is None:
        return "The database was not asked whether it holds every acknowledged write: the run ended before that."
    if not reconciliation.checked:
        return f"The database could not be asked for the acknowledged writes: {reconciliation.reason}."
    missing = len(reconciliation.missing)
    count = reconciliation.acknowledged
    words = f"{count:,} {'write was' if count == 1 else 'writes were'} acknowledged"
    words += f"; the database holds {reconciliation.stored:,} of them"
    return (
        f"{words}, {missing:,} {'is' if missing == 1 else 'are'} missing." if missing else f"{words}, none is missing."
    )


def run_facts(manifest: Manifest, arrivals: Arrivals) -> tuple[tuple[str, str], ...]:
    """The run and its host, of any kind of run."""
    host = manifest.host
    started = datetime.fromtimestamp(manifest.started_wall_seconds, UTC)
    return (
        ("run", manifest.run_id),
        ("started", f"{started:%Y-%m-%d %H:%M:%S} UTC"),
        ("profile", ", ".join(filter(None, (manifest.profile, manifest.rehearsal)))),
        ("seed", str(manifest.seed)),
        ("arrivals", f"open model, {arrivals}"),
        ("stack", f"{manifest.stack} at {manifest.base_url}"),
        ("limits", manifest.limits),
        ("host", f"{host.cpu_model}, {host.cpu_cores} cores, {format_quantity(host.memory_bytes, Unit.BYTES)}"),
        ("system", f"{host.os_name}, kernel {host.kernel}, Python {host.python}"),
        ("proofload", manifest.proofload_version),
        ("plan’s SHA-256", manifest.plan_digest),
    )
