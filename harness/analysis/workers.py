"""What several workers of the generator hold together, and which of them were lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from harness.analysis.phases import load_second
from harness.model.evidence import Evidence
from harness.model.samples import GeneratorSample

LOST = ("worker-lost", "generator-died")
"""Events: a worker of the generator, or all of it, went away after the load had begun."""

_LATE_SECONDS = 2
"""A worker's sample that is missing in a second is on its way, or comes a moment late: its last one speaks for it."""


def held_together(
    evidence: Evidence, value: Callable[[GeneratorSample], float], *, shift_seconds: float = 0.0
) -> dict[int, float]:
    """The sum over all workers in each second of the load in which any was heard.

    shift_seconds: taken off a sample's time to find its second. A worker that was not heard in a second counts with
    what it said last, for as long as it may only have been late: else the sum would fall to a part for a second.
    """
    said: dict[str, dict[int, float]] = defaultdict(dict)
    for sample in evidence.generator:
        second = load_second(evidence, sample.monotonic_seconds)
        if second is not None:
            said[sample.worker][int((second - shift_seconds) // 1)] = value(sample)
    seconds = {second for values in said.values() for second in values}
    return {second: sum(_at(values, second) for values in said.values()) for second in seconds}


def _at(values: dict[int, float], second: int) -> float:
    for earlier in range(second, second - _LATE_SECONDS - 1, -1):
        if earlier in values:
            return values[earlier]
    return 0.0


def lost_workers(evidence: Evidence) -> dict[str, float]:
    """From which second of the load on each lost worker was missing: since it was last heard of. Of a generator that
    was lost as a whole the name is empty."""
    found: dict[str, float] = {}
    for event in evidence.events:
        second = load_second(evidence, event.monotonic_seconds)
        if event.name in LOST and second is not None:
            heard_until = event.detail.get("heard_until_seconds", second)
            known = isinstance(heard_until, int | float)
            found.setdefault(str(event.detail.get("worker", "")), min(second, heard_until) if known else second)
    return found
