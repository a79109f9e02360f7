"""Evidence in the order of time, whatever order it was written in.

Several processes append to a run's files, and a file may have been sorted or put together by others. The verdict must
not depend on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.model.evidence import Evidence
from harness.model.samples import RequestRow


def in_order(evidence: Evidence) -> Evidence:
    """The same evidence, rows by time and then by what they are of."""
    return replace(
        evidence,
        requests=tuple(sorted(evidence.requests, key=_request)),
        servers=tuple(sorted(evidence.servers, key=lambda each: (each.monotonic_seconds, each.source))),
        generator=tuple(sorted(evidence.generator, key=lambda each: (each.monotonic_seconds, each.worker))),
        events=tuple(sorted(evidence.events, key=lambda each: (each.monotonic_seconds, each.name))),
        acknowledged=tuple(
            sorted(evidence.acknowledged, key=lambda each: (each.monotonic_seconds, each.kind, each.id))
        ),
        pages=tuple(sorted(evidence.pages, key=lambda each: each.monotonic_seconds)),
        jobs=tuple(sorted(evidence.jobs, key=lambda each: (each.monotonic_seconds, each.id, each.state))),
    )


def _request(row: RequestRow) -> tuple[Any, ...]:
    """Down to the increments of one endpoint and second, since even a sum of floats depends on the order."""
    return (
        row.second,
        row.endpoint,
        row.flow,
        row.probe,
        row.completed,
        row.errors,
        row.dropped,
        row.expected,
        row.response.sum_seconds,
        row.service.sum_seconds,
    )
