"""Things that happened once, for the charts' marks and their list. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from harness.model.evidence import Evidence
from harness.model.samples import Event
from reports.charts import Mark
from reports.scales import format_clock

QUIET_EVENTS = frozenset(
    {"run-start", "run-end", "load-start", "load-end", "level", "phase", "phase-start", "phase-end", "reconciled"}
)
"""What the shaded levels show already, or what stands at the top of the report."""
RECONNECTS = "socket-reconnect"
"""Event of the generator: ``count`` sockets were lost and connected again within the last second."""
RECONNECT_BURST = 10
"""Sockets that connected again in a burst; fewer are everyday life."""
BURST_PAUSE_SECONDS = 5.0
"""Reconnects that lie no further apart belong to one burst."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One mark: when (seconds of the load), its number and what it was."""

    number: int
    seconds: float
    clock: str
    words: str


def happenings(evidence: Evidence) -> tuple[Happening, ...]:
    """Events of the load's time other than its phases, recycled workers, and bursts of reconnects, in order."""
    start = evidence.load_start_seconds
    if start is None:
        return ()
    end = evidence.plan.duration_seconds
    found: list[tuple[float, str]] = []
    for event in evidence.events:
        at = event.monotonic_seconds - start
        ended_well = event.name == "generator-end" and event.detail.get("reason") in ("completed", "interrupted")
        if event.name in QUIET_EVENTS or ended_well or not 0 <= at <= end + 1:
            continue
        if event.name != RECONNECTS:
            found.append((at, _event_words(event)))
    found += _bursts(evidence, start)
    found += _stopped(evidence, start)
    found += _recycled(evidence, start)
    found.sort()
    return tuple(Happening(i, at, format_clock(at), words) for i, (at, words) in enumerate(found, start=1))


def marks(happened: tuple[Happening, ...]) -> tuple[Mark, ...]:
    """The same, for the time axis."""
    return tuple(Mark(h.seconds, h.number, h.words) for h in happened)


def _event_words(event: Event) -> str:
    words = event.name.replace("-", " ").replace("_", " ")
    if event.detail:
        words += ": " + ", ".join(f"{key} {value}" for key, value in sorted(event.detail.items()))
    return words


def _stopped(evidence: Evidence, start: float) -> list[tuple[float, str]]:
    """The end of the load, if it came before the end of the plan."""
    end = evidence.event("load-end")
    if end is None or end.monotonic_seconds - start >= evidence.plan.duration_seconds - 1:
        return []
    return [(max(0.0, end.monotonic_seconds - start), "the load ended before the plan did")]


def _bursts(evidence: Evidence, start: float) -> list[tuple[float, str]]:
    """Bursts of reconnects, each at its beginning."""
    bursts: list[list[tuple[float, int]]] = []
    for event in evidence.events:
        if count := reconnects(event):
            at = event.monotonic_seconds - start
            if bursts and at - bursts[-1][-1][0] <= BURST_PAUSE_SECONDS:
                bursts[-1].append((at, count))
            else:
                bursts.append([(at, count)])
    found = []
    for burst in bursts:
        (first, _), (last, _) = burst[0], burst[-1]
        count = sum(each for _, each in burst)
        if count >= RECONNECT_BURST and 0 <= first <= evidence.plan.duration_seconds:
            until = f", until {format_clock(last)}" if last > first else ""
            found.append((first, f"{count:,} sockets reconnected{until}"))
    return found


def _recycled(evidence: Evidence, start: float) -> list[tuple[float, str]]:
    samples = [
        (sample.monotonic_seconds - start, sample.values["worker_starts_total"])
        for sample in evidence.servers
        if sample.source == "gunicorn" and "worker_starts_total" in sample.values
    ]
    found = []
    for (_, before), (at, after) in pairwise(samples):
        if after > before and 0 <= at <= evidence.plan.duration_seconds:
            count = round(after - before)
            found.append((at, "gunicorn worker recycled" if count == 1 else f"{count} gunicorn workers recycled"))
    return found


def reconnects(event: Event) -> int:
    """How many sockets the event says were connected again; 0 for other events."""
    count = event.detail.get("count", 0) if event.name == RECONNECTS else 0
    return int(count) if isinstance(count, int | float) else 0
