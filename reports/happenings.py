"""Things that happened once, for the charts' marks and their list. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from harness.model.evidence import Evidence
from reports.charts import Mark
from reports.scales import format_clock

QUIET_EVENTS = frozenset({"load-start", "load-end", "phase", "phase-start", "phase-end", "level", "level-start"})
"""What the shaded levels show already."""
RECONNECT_BURST = 10
"""Sockets that connected again within a second; fewer are everyday life."""


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
        if event.name not in QUIET_EVENTS and 0 <= at <= end + 1:
            found.append((at, _event_words(event.name, event.detail)))
    found += _recycled(evidence, start)
    found += _reconnects(evidence)
    found.sort()
    return tuple(Happening(i, at, format_clock(at), words) for i, (at, words) in enumerate(found, start=1))


def marks(happened: tuple[Happening, ...]) -> tuple[Mark, ...]:
    """The same, for the time axis."""
    return tuple(Mark(h.seconds, h.number, h.words) for h in happened)


def _event_words(name: str, detail: object) -> str:
    words = name.replace("-", " ").replace("_", " ")
    if isinstance(detail, dict) and detail:
        words += ": " + ", ".join(f"{key} {value}" for key, value in sorted(detail.items()))
    return words


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


def _reconnects(evidence: Evidence) -> list[tuple[float, str]]:
    per_second: Counter[int] = Counter()
    for row in evidence.requests:
        if row.endpoint == "socket reconnect":
            per_second[row.second] += row.offered
    return [
        (float(second), f"{count} sockets reconnected")
        for second, count in sorted(per_second.items())
        if count >= RECONNECT_BURST
    ]
