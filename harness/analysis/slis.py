"""The service level indicators: one function each from the evidence of one level to observations.

``SLIS`` lists them all; a new one is a function and a line there. Only the measure phase is looked at, by intended
second, except for facts (crashes, kills, lost writes), which count whenever they happen.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.coverage import open_jobs, unresolved
from harness.analysis.mishaps import lost_writes, oom_kills, server_crashes
from harness.analysis.observations import Gauge, Observation, Shares, Throughput, Times, Unobserved
from harness.analysis.pages import first_contentful_paint_seconds, page_load_seconds
from harness.analysis.phases import (
    HTTP_KINDS,
    batch_ranges,
    level_at,
    load_second,
    measured,
    rows,
    seconds_of,
    spoken_for,
)
from harness.analysis.rates import tally_by_second
from harness.analysis.statements import query_seconds
from harness.analysis.survival import RECOVERY_SLI, comeback
from harness.analysis.workers import held_together
from harness.model.evidence import Evidence
from harness.model.plan import Held, Level
from harness.model.samples import JobEvent, RequestRow
from harness.model.slo import LOAD_SLI, PAINT_SLI
from harness.model.units import Unit
from harness.model.verdict import Taint

METRIC_PREFIX = "metric."
"""How SLIs begin that a system's own file names, in its table of metrics."""

Observe = Callable[[Evidence, Level], Observation]


@dataclass(frozen=True, slots=True)
class Sli:
    """taints: what makes its observations unsound. steady: whether they need a steady state (facts do not).

    downstream: a series of the servers, which see less load when requests fail before they reach them.
    bound_by_size: whether a host smaller than the stage explains a bad value.
    counts_bad: its share is of bad events (an error rate), not of good ones.
    afterwards: observed in the level after the one that it judges (the way back).
    """

    name: str
    unit: Unit
    observe: Observe
    taints: tuple[Taint, ...]
    steady: bool = True
    downstream: bool = False
    bound_by_size: bool = True
    afterwards: bool = False
    counts_bad: bool = False


def http_response_seconds(evidence: Evidence, level: Level) -> Observation:
    """Response times of all HTTP requests and uploads together, without the probes."""
    return _times(evidence, level, "requests", kinds=HTTP_KINDS, probes=False, in_flight=unresolved(evidence, level))


def socket_ack_seconds(evidence: Evidence, level: Level) -> Observation:
    """From a chat message's intended sending to its acknowledgement."""
    return _times(evidence, level, "messages", endpoint="socket ack")


def socket_delivery_seconds(evidence: Evidence, level: Level) -> Observation:
    """From a chat message's intended sending to each receiver; what never arrives is bad."""
    return _times(evidence, level, "deliveries", endpoint="socket delivery")


def job_end_to_end_seconds(evidence: Evidence, level: Level) -> Observation:
    """From an upload's intended start to its job's end, probes included; jobs that were not seen to end are bad."""
    phase = measured(level)
    open_now = sum(phase.start_seconds <= second < phase.end_seconds for second in open_jobs(evidence).values())
    return _times(evidence, level, "jobs", endpoint="job end to end", in_flight=open_now)


def request_success_ratio(evidence: Evidence, level: Level) -> Observation:
    """Requests with a good response among all that were meant to be sent, without the probes."""
    batches, faults = [], []
    for batch in _batches(evidence, level, kinds=HTTP_KINDS, probes=False):
        n = sum(row.offered for row in batch)
        batches.append((sum(row.errors + row.dropped for row in batch), n))
        admitted = (count for row in batch for kind, count in row.error_kinds.items() if kind.startswith("HTTP 5"))
        faults.append((sum(admitted), n))
    length = evidence.plan.batch_seconds
    return _shares(tuple(batches), "requests", unresolved(evidence, level), tuple(faults), length)


def request_error_ratio(evidence: Evidence, level: Level) -> Observation:
    """Requests without a good response among all that were meant to be sent, without the probes."""
    return request_success_ratio(evidence, level)


def socket_reach_ratio(evidence: Evidence, level: Level) -> Observation:
    """Deliveries that arrived among those that should have (receivers in the room × messages)."""
    batches = []
    for batch in _batches(evidence, level, endpoint="socket delivery"):
        expected = sum(row.expected for row in batch)
        batches.append((max(0, expected - sum(row.completed for row in batch)), expected))
    return _shares(tuple(batches), "deliveries", batch_seconds=evidence.plan.batch_seconds)


def jobs_finished_ratio(evidence: Evidence, level: Level) -> Observation:
    """Uploads meant for the level whose job finished, probes included; one that was not seen to finish is bad, and so
    is a probe that was not even sent. What a run that was cut short did not wait for is neither.

    The whole level counts, since uploads are few and each of them is a fact, not a time.
    """
    if not any(job.state == "sent" for job in evidence.jobs):
        return Unobserved("no uploads were recorded")
    finished = {
        job.id
        for job in evidence.jobs
        if job.state == "finished" or (job.state == "seen" and job.detail.get("status") == "finished")
    }
    sent = {job.id: job for job in reversed(evidence.jobs) if job.state == "sent" and _level_of(evidence, job) is level}
    good = sum(identifier in finished for identifier in sent)
    waiting = sum(identifier in open_jobs(evidence) for identifier in sent)
    probes = sum(bool(job.detail.get("probe")) for job in sent.values())
    meant = sum(
        level.start_seconds <= second < level.end_seconds
        for stream in evidence.plan.streams
        for second in stream.extra_seconds
    )
    total = len(sent) - waiting + max(0, meant - probes)
    if not total and waiting:
        return Unobserved("its uploads were still under way when the run was cut short")
    return _shares(((total - good, total),), "uploads", waiting)


def _level_of(evidence: Evidence, job: JobEvent) -> Level | None:
    """The level that a job's upload was meant for, as the generator noted it, else the one in which it was sent."""
    noted = job.detail.get("level")
    for level in evidence.plan.levels:
        if level.name.value == noted:
            return level
    second = load_second(evidence, job.monotonic_seconds)
    return None if second is None else level_at(evidence, second)


def throughput_per_second(evidence: Evidence, level: Level) -> Observation:
    """Good HTTP responses per second, each counted in the second in which its request was meant to start."""
    seconds = seconds_of(measured(level))
    found = tuple(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False))
    if not found:
        return Unobserved("no request was recorded")
    tallies = tally_by_second(found, seconds)
    ranges = batch_ranges(seconds, evidence.plan.batch_seconds)

    def means(values: list[int]) -> tuple[float, ...]:
        return tuple(sum(values[s - seconds.start] for s in batch) / len(batch) for batch in ranges)

    return Throughput(
        offered=means([each.offered for each in tallies]),
        completed=means([each.completed for each in tallies]),
        planned=level.rate.value,
        batch_seconds=evidence.plan.batch_seconds,
    )


def sockets_held_ratio(evidence: Evidence, level: Level) -> Observation:
    """Sockets open ÷ sockets that the plan holds at that time, each second; above 1 counts as 1."""
    values: dict[int, float] = {}
    for second, sockets in held_together(evidence, lambda sample: sample.sockets).items():
        planned = held_at(evidence.plan.held, second)
        if planned > 0:
            values[second] = min(1.0, sockets / planned)
    return _gauge(evidence, level, values, "the generator said nothing of its sockets")


def websocket_connections_ratio(evidence: Evidence, level: Level) -> Observation:
    """Sockets held ÷ the stage's figure "websocket_capacity", each second."""
    capacity = evidence.subject.stage.value("websocket_capacity", 0.0)
    if not capacity:
        return Unobserved("the stage names no websocket_capacity")
    held = held_together(evidence, lambda sample: sample.sockets)
    values = {second: sockets / capacity for second, sockets in held.items()}
    return _gauge(evidence, level, values, "the generator said nothing of its sockets")


def series(source: str, key: str) -> Observe:
    """An SLI that is one series of one sampler."""

    def observe(evidence: Evidence, level: Level) -> Observation:
        seen: dict[int, list[float]] = defaultdict(list)
        for sample in evidence.servers:
            if sample.source == source and key in sample.values:
                for second in spoken_for(evidence, sample):
                    seen[second].append(sample.values[key])
        values = {second: sum(each) / len(each) for second, each in seen.items()}
        return _gauge(evidence, level, values, f"no sampler saw {source}.{key}")

    return observe


def _sampled(name: str, unit: Unit, source: str, key: str) -> Sli:
    return Sli(name, unit, series(source, key), (Taint.SERVER_SERIES,), downstream=True)


SLIS: tuple[Sli, ...] = (
    Sli("http_response_seconds", Unit.SECONDS, http_response_seconds, (Taint.TIMES,)),
    Sli("request_success_ratio", Unit.RATIO, request_success_ratio, (Taint.THROUGHPUT,)),
    Sli("request_error_ratio", Unit.RATIO, request_error_ratio, (Taint.THROUGHPUT,), counts_bad=True),
    Sli("throughput_per_second", Unit.PER_SECOND, throughput_per_second, (Taint.THROUGHPUT,)),
    Sli("sockets_held_ratio", Unit.RATIO, sockets_held_ratio, (Taint.THROUGHPUT,)),
    Sli("socket_reach_ratio", Unit.RATIO, socket_reach_ratio, (Taint.THROUGHPUT,)),
    Sli("socket_ack_seconds", Unit.SECONDS, socket_ack_seconds, (Taint.TIMES,)),
    Sli("socket_delivery_seconds", Unit.SECONDS, socket_delivery_seconds, (Taint.TIMES,)),
    Sli("job_end_to_end_seconds", Unit.SECONDS, job_end_to_end_seconds, (Taint.TIMES,)),
    Sli(PAINT_SLI, Unit.SECONDS, first_contentful_paint_seconds, (Taint.TIMES,)),
    Sli(LOAD_SLI, Unit.SECONDS, page_load_seconds, (Taint.TIMES,)),
    Sli("jobs_finished_ratio", Unit.RATIO, jobs_finished_ratio, (Taint.THROUGHPUT,)),
    _sampled("stack_cpu_ratio", Unit.RATIO, "stack", "cpu_ratio"),
    _sampled("stack_memory_ratio", Unit.RATIO, "stack", "memory_ratio"),
    _sampled("stack_disk_ratio", Unit.RATIO, "storage", "disk_ratio"),
    _sampled("postgres_connections_ratio", Unit.RATIO, "postgres", "connections_ratio"),
    _sampled("postgres_connections", Unit.COUNT, "postgres", "connections"),
    _sampled("postgres_cache_hit_ratio", Unit.RATIO, "postgres", "cache_hit_ratio"),
    _sampled("replication_lag_seconds", Unit.SECONDS, "postgres", "replication_lag_seconds"),
    _sampled("pool_use_ratio", Unit.RATIO, "pgbouncer", "pool_ratio"),
    _sampled("redis_memory_ratio", Unit.RATIO, "redis", "memory_ratio"),
    _sampled("redis_evictions_per_second", Unit.PER_SECOND, "redis", "evictions_per_second"),
    _sampled("redis_hit_ratio", Unit.RATIO, "redis", "hit_ratio"),
    Sli("query_seconds", Unit.SECONDS, query_seconds, (Taint.SERVER_SERIES,), downstream=True),
    _sampled("cache_hit_ratio", Unit.RATIO, "application", "cache_hit_ratio"),
    _sampled("query_mean_seconds", Unit.SECONDS, "application", "query_seconds_mean"),
    Sli("websocket_connections_ratio", Unit.RATIO, websocket_connections_ratio, (Taint.THROUGHPUT,)),
    _sampled("application_request_seconds", Unit.SECONDS, "application", "request_seconds_mean"),
    Sli("oom_kills", Unit.COUNT, oom_kills, (), steady=False),
    Sli("server_crashes", Unit.COUNT, server_crashes, (), steady=False),
    Sli("lost_writes", Unit.COUNT, lost_writes, (Taint.WRITES,), steady=False, bound_by_size=False),
    Sli(RECOVERY_SLI, Unit.SECONDS, comeback, (Taint.TIMES,), steady=False, afterwards=True),
)


def sli(name: str) -> Sli:
    """The SLI of that name; raises KeyError."""
    for each in SLIS:
        if each.name == name:
            return each
    if name.startswith(METRIC_PREFIX):
        return Sli(name, Unit.COUNT, _metric(name), (Taint.SERVER_SERIES,), downstream=True)
    raise KeyError(name)


def _metric(name: str) -> Observe:
    """A number of the system's own; its bound says in which unit."""
    key = name.removeprefix(METRIC_PREFIX)

    def observe(evidence: Evidence, level: Level) -> Observation:
        values = {
            second: sample.values[key]
            for sample in evidence.servers
            if sample.source.startswith("metrics ") and key in sample.values
            for second in spoken_for(evidence, sample)
        }
        return _gauge(evidence, level, values, f"nothing was seen of the metric {key}: is its url_variable set?")

    return observe


def held_at(held: Held, second: float) -> float:
    """How many sockets the plan holds open at that second: on the straight lines between its points."""
    before = (0.0, 0)
    for point in held.points:
        if point[0] > second:
            if point[0] == before[0]:
                return float(before[1])
            share = (second - before[0]) / (point[0] - before[0])
            return before[1] + share * (point[1] - before[1])
        before = point
    return float(before[1])


def _batches(
    evidence: Evidence,
    level: Level,
    *,
    kinds: tuple[str, ...] | None = None,
    endpoint: str | None = None,
    probes: bool = True,
) -> tuple[tuple[RequestRow, ...], ...]:
    seconds = seconds_of(measured(level))
    found = tuple(rows(evidence, seconds, kinds=kinds, endpoint=endpoint, probes=probes))
    ranges = batch_ranges(seconds, evidence.plan.batch_seconds)
    return tuple(tuple(row for row in found if row.second in batch) for batch in ranges)


def _times(
    evidence: Evidence,
    level: Level,
    noun: str,
    *,
    kinds: tuple[str, ...] | None = None,
    endpoint: str | None = None,
    probes: bool = True,
    in_flight: int = 0,
) -> Observation:
    batches = _batches(evidence, level, kinds=kinds, endpoint=endpoint, probes=probes)
    absent = tuple(
        max(0, sum(row.expected for row in batch) - sum(row.offered for row in batch)) if batch else 0
        for batch in batches
    )
    if not any(row.offered for batch in batches for row in batch) and not any(absent):
        return Unobserved(f"no {noun} were recorded")
    return Times(batches, absent, noun, in_flight, evidence.plan.batch_seconds)


def _shares(
    batches: tuple[tuple[int, int], ...],
    noun: str,
    in_flight: int = 0,
    faults: tuple[tuple[int, int], ...] = (),
    batch_seconds: float = math.inf,
) -> Observation:
    if not any(n for _, n in batches):
        return Unobserved(f"no {noun} were recorded")
    return Shares(batches, noun, in_flight, faults, batch_seconds)


def _gauge(evidence: Evidence, level: Level, values: dict[int, float], missing: str) -> Observation:
    seconds = seconds_of(measured(level))
    seen = {second: value for second, value in values.items() if second in seconds}
    if not seen:
        return Unobserved(missing)
    means = []
    for batch in batch_ranges(seconds, evidence.plan.batch_seconds):
        inside = [seen[second] for second in batch if second in seen]
        if inside:
            means.append(sum(inside) / len(inside))
    return Gauge(
        means=tuple(means),
        samples=len(seen),
        minimum=min(seen.values()),
        maximum=max(seen.values()),
        gap_ratio=1 - len(seen) / len(seconds),
        batch_seconds=evidence.plan.batch_seconds,
    )
