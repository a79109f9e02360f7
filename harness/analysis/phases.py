"""Which evidence belongs to which level and phase, by intended second, and how a phase is cut into batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from harness.model.evidence import Evidence
from harness.model.plan import Level, Phase, PhaseName
from harness.model.samples import RequestRow, ServerSample

HTTP_KINDS = ("http", "upload")
"""What nginx sees as a request of the plan's rate."""


def whole_seconds(start_seconds: float, end_seconds: float) -> range:
    """The seconds of the load that lie wholly between two times."""
    return range(math.ceil(start_seconds - 1e-9), max(math.ceil(start_seconds - 1e-9), math.floor(end_seconds + 1e-9)))


def seconds_of(phase: Phase) -> range:
    """The seconds of the load that lie wholly inside the phase."""
    return whole_seconds(phase.start_seconds, phase.end_seconds)


def measured(level: Level) -> Phase:
    """The level's measure phase, the only one that is judged."""
    return level.phase(PhaseName.MEASURE)


def rows(
    evidence: Evidence,
    seconds: range,
    *,
    kinds: Iterable[str] | None = None,
    endpoint: str | None = None,
    probes: bool = True,
) -> Iterator[RequestRow]:
    """The request rows meant to start in those seconds, in the order in which they were written."""
    wanted = None if kinds is None else frozenset(kinds)
    for row in evidence.requests:
        if (
            row.second in seconds
            and (wanted is None or row.kind in wanted)
            and (endpoint is None or row.endpoint == endpoint)
            and (probes or not row.probe)
        ):
            yield row


def load_second(evidence: Evidence, monotonic_seconds: float) -> float | None:
    """A time of the host's monotonic clock as seconds of the load; None when the load never began."""
    return None if evidence.load_start_seconds is None else monotonic_seconds - evidence.load_start_seconds


def spoken_for(evidence: Evidence, sample: ServerSample) -> range:
    """The seconds of the load that a server sample speaks for: its own, and those until the sampler's next row."""
    second = load_second(evidence, sample.monotonic_seconds)
    if second is None:
        return range(0)
    first = math.floor(second)
    return range(first, first + max(1, round(sample.period_seconds)))


def level_at(evidence: Evidence, second: float) -> Level | None:
    """The level under way at that second of the load."""
    return next((each for each in evidence.plan.levels if each.start_seconds <= second < each.end_seconds), None)


def batch_ranges(seconds: range, batch_seconds: float) -> tuple[range, ...]:
    """The seconds in contiguous batches of nearly the same length; a rest is spread over all of them."""
    if not seconds:
        return ()
    number = max(1, min(len(seconds), round(len(seconds) / batch_seconds)))
    edges = [seconds.start + round(index * len(seconds) / number) for index in range(number + 1)]
    return tuple(range(edges[index], edges[index + 1]) for index in range(number))
