"""The live view: what a run looks like while it runs. In a terminal it redraws; piped, it prints plain lines."""

from __future__ import annotations

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.experiment.live import LiveStatus
from harness.model.figure import Provenance
from harness.model.plan import LoadPlan
from harness.model.run import IMAGE_ID, Manifest
from harness.model.units import Unit, format_quantity
from harness.store.layout import RunDirectory

PLAIN_EVERY_SECONDS = 10.0


class LiveDisplay:
    """An Observer for people. bound_seconds: the response-time bound that p95 is shown against."""

    def __init__(self, console: Console, plan: LoadPlan, title: str, bound_seconds: float | None) -> None:
        self._console = console
        self._plan = plan
        self._title = title
        self._bound = bound_seconds
        self._live: Live | None = None
        self._pace = PlainPace()
        self._status = ""

    def __enter__(self) -> LiveDisplay:
        self._console.print(Text.assemble(("Proofload", "bold"), f"  {self._title}"), highlight=False)
        if self._console.is_terminal:
            self._live = Live(Text(""), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, text: str) -> None:
        """A step of the set-up or the clean-up."""
        if self._live is not None:
            self._live.update(Text(f"  {text} …", style="dim"))
        elif text != self._status:
            self._console.print(f"  {text}", highlight=False, markup=False)
        self._status = text

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        """The servers are up."""
        print_stack(self._console, manifest)
        self._print(f"load    {describe_load(self._plan)}")
        self._print(f"run     {run.path}")

    def live(self, status: LiveStatus) -> None:
        """Once a second."""
        if self._live is not None:
            self._live.update(render(status, self._plan, self._bound))
        elif self._pace.due():
            self._console.print(plain_line(status), highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Something happened."""
        self._print(f"!       {text}")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class PlainPace:
    """When another plain line is due: a log is not a screen."""

    def __init__(self) -> None:
        self._printed = 0.0

    def due(self) -> bool:
        """Whether enough time has passed since it last was."""
        now = time.monotonic()
        if now - self._printed < PLAIN_EVERY_SECONDS:
            return False
        self._printed = now
        return True


def print_stack(console: Console, manifest: Manifest) -> None:
    """The servers, and that they are sized as planned."""
    shown = {name: version for name, version in manifest.versions.items() if not name.startswith(IMAGE_ID)}
    servers = " · ".join(f"{name} {version}" for name, version in shown.items())
    lines = [f"stack   {manifest.stack}  {servers}" if servers else f"stack   {manifest.stack}"]
    compared = [row for row in manifest.read_back if row.matches is not None]
    if compared:
        sized = ", ".join(manifest.host_capped) or "sized as planned"
        lines.append(
            f"        {sized}, limits {manifest.limits}; {len(compared)} settings read back; "
            f"ready in {manifest.stack_seconds:.0f} s"
        )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def describe_load(plan: LoadPlan) -> str:
    """``open model, Poisson arrivals, seed 7:  normal 50/s (assumed) → peak 80/s → …``."""
    parts = []
    for level in plan.levels:
        mark = "" if level.rate.provenance is Provenance.STATED else f" ({level.rate.provenance})"
        parts.append(f"{level.name} {format_quantity(level.rate.value, Unit.PER_SECOND)}{mark}")
    return f"open model, {plan.arrivals} arrivals, seed {plan.seed}:  " + " → ".join(parts)


def plain_line(status: LiveStatus) -> str:
    """One line for a log."""
    return (
        f"  {clock(status.elapsed_seconds)}  {_where(status):<20} "
        f"arrivals {status.arrivals_per_second:.1f}/s  completed {status.completed_per_second:.1f}/s  "
        f"p95 {_time(status.response_p95_seconds)}  errors {status.errors}  dropped {status.dropped}  "
        f"CPU {_share(status, 'stack.cpu_ratio')}  left {clock(status.left_seconds)}"
    )


def render(status: LiveStatus, plan: LoadPlan, bound_seconds: float | None) -> RenderableType:
    """The view of one moment."""
    phase = status.phase
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=9)
    table.add_column()
    bound = "" if bound_seconds is None else f" of {_time(bound_seconds)}"
    table.add_row(
        "arrivals",
        f"{status.arrivals_per_second:.1f}/s   completed {status.completed_per_second:.1f}/s   late {status.late}   "
        f"dropped {status.dropped}   errors {status.errors}",
    )
    table.add_row(
        "response",
        f"p50 {_time(status.response_p50_seconds)}   p95 {_time(status.response_p95_seconds)}{bound}   "
        f"p99 {_time(status.response_p99_seconds)}   service p95 {_time(status.service_p95_seconds)}",
    )
    table.add_row(
        "servers",
        f"CPU {_share(status, 'stack.cpu_ratio')}   memory {_share(status, 'stack.memory_ratio')}   "
        f"PostgreSQL {_count(status, 'postgres.connections')} connections   {_queues(status)}",
    )
    generator = status.generator
    if generator is not None:
        whose = f", the busiest of {status.workers} workers" if status.workers > 1 else ""
        table.add_row(
            "generator",
            f"CPU {generator.cpu_ratio * 100:.0f} % of a core{whose}   "
            f"loop lag {_time(generator.loop_lag_p99_seconds)}   sockets {generator.sockets}",
        )
    position = Table.grid(padding=(0, 2))
    inside = 0.0 if phase is None else status.elapsed_seconds - phase.start_seconds
    length = 0.0 if phase is None else phase.duration_seconds
    position.add_row(
        Text(f"  {_where(status)}", style="bold"),
        ProgressBar(total=max(plan.duration_seconds, 1.0), completed=status.elapsed_seconds, width=36),
        f"{inside:.0f} of {length:.0f} s · {clock(status.left_seconds)} left",
    )
    return Group(Text(""), position, table)


def _where(status: LiveStatus) -> str:
    if status.level is None or status.phase is None:
        return "finishing"
    return f"{status.level.name} {status.phase.name}"


def clock(seconds: float) -> str:
    """``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else format_quantity(seconds, Unit.SECONDS)


def _share(status: LiveStatus, name: str) -> str:
    value = status.servers.get(name)
    return "–" if value is None else f"{value * 100:.0f} %"


def _count(status: LiveStatus, name: str) -> str:
    value = status.servers.get(name)
    return "–" if value is None else f"{value:.0f}"


def _queues(status: LiveStatus) -> str:
    parts = []
    for queue in ("default", "heavy"):
        depth = status.servers.get(f"celery.depth.{queue}")
        if depth is not None:
            age = status.servers.get(f"celery.oldest_age_seconds.{queue}", 0.0)
            parts.append(f"{queue} queue {depth:.0f}" + (f", oldest {age:.0f} s" if depth else ""))
    return "   ".join(parts)
