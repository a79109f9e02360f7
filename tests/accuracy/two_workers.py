"""The evidence of one generator process as two of them would have written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from harness.analysis.histogram import lower_edge_seconds
from harness.model.evidence import Evidence
from harness.model.samples import Distribution, GeneratorSample, RequestRow

COUNTERS = ("intended", "started", "completed", "failed", "dropped", "late", "in_flight", "waiting", "sockets")
REQUESTS = ("requests_started", "requests_completed", "requests_failed", "requests_in_flight")


def split(evidence: Evidence, seed: int) -> Evidence:
    """Every row dealt out to two workers, request by request, and the generator's counters with them."""
    random = Random(seed)
    rows = [part for row in evidence.requests for part in _row(row, random)]
    generator = [part for sample in evidence.generator for part in _sample(sample)]
    return replace(evidence, requests=tuple(rows), generator=tuple(generator))


def _row(row: RequestRow, random: Random) -> tuple[RequestRow, RequestRow]:
    response, others = _distribution(row.response, random)
    service, other_service = _sized(row.service, response.count)
    first = replace(
        row,
        completed=response.count,
        errors=row.errors // 2,
        dropped=row.dropped // 2,
        late=row.late // 2,
        response=response,
        service=service,
        exceeded={bound: min(count, response.count + row.errors // 2) // 2 for bound, count in row.exceeded.items()},
        error_kinds=_halves(row.error_kinds)[0],
        expected=row.expected // 2,
    )
    second = replace(
        row,
        completed=others.count,
        errors=row.errors - first.errors,
        dropped=row.dropped - first.dropped,
        late=row.late - first.late,
        response=others,
        service=other_service,
        exceeded={bound: count - first.exceeded[bound] for bound, count in row.exceeded.items()},
        error_kinds=_halves(row.error_kinds)[1],
        expected=row.expected - first.expected,
    )
    return first, second


def _halves(kinds: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    first = {kind: count // 2 for kind, count in kinds.items()}
    return first, {kind: count - first[kind] for kind, count in kinds.items()}


def _distribution(whole: Distribution, random: Random) -> tuple[Distribution, Distribution]:
    first = {bucket: sum(random.random() < 0.5 for _ in range(count)) for bucket, count in whole.buckets.items()}
    return _parts(whole, {bucket: count for bucket, count in first.items() if count})


def _sized(whole: Distribution, count: int) -> tuple[Distribution, Distribution]:
    """The shortest ``count`` of the times, and the others."""
    first: dict[int, int] = {}
    for bucket in sorted(whole.buckets):
        taken = min(whole.buckets[bucket], count - sum(first.values()))
        if taken:
            first[bucket] = taken
    return _parts(whole, first)


def _parts(whole: Distribution, first: dict[int, int]) -> tuple[Distribution, Distribution]:
    count = sum(first.values())
    total = whole.sum_seconds * count / whole.count if whole.count else 0.0
    others = {bucket: n - first.get(bucket, 0) for bucket, n in whole.buckets.items() if n > first.get(bucket, 0)}
    top = max(first, default=None)
    highest = 0.0 if top is None else lower_edge_seconds(top)
    return (
        Distribution(first, count, total, highest if others else whole.max_seconds),
        Distribution(others, whole.count - count, whole.sum_seconds - total, whole.max_seconds if others else 0.0),
    )


def _sample(sample: GeneratorSample) -> tuple[GeneratorSample, GeneratorSample]:
    first = {name: getattr(sample, name) // 2 for name in COUNTERS + REQUESTS}
    second = {name: getattr(sample, name) - first[name] for name in COUNTERS + REQUESTS}
    for part in (first, second):  # each worker's own books balance
        part["started"] = min(part["started"], part["intended"])
        part["completed"] = part["intended"] - part["failed"] - part["dropped"] - part["in_flight"] - part["waiting"]
        part["requests_started"] = part["requests_completed"] + part["requests_failed"] + part["requests_in_flight"]
    errors, others = _halves(sample.client_errors)
    half = {"busy_seconds": sample.busy_seconds / 2, "service_sum_seconds": sample.service_sum_seconds / 2}
    return (
        replace(sample, worker="1", client_errors=errors, **half, **first),
        replace(sample, worker="2", client_errors=others, **half, **second),
    )
