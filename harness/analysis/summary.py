"""What happened, as tables and series: for the report and the command line. Nothing here is a verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.analysis import histogram
from harness.analysis.phases import HTTP_KINDS, load_second, measured, rows, seconds_of, spoken_for
from harness.analysis.rates import Tally, tally, tally_by_second
from harness.analysis.workers import held_together
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import Distribution, RequestRow


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of the good responses' times in seconds (each the upper edge of its bucket); None without any."""

    count: int
    mean_seconds: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """One endpoint over one level's measure phase.

    kind: http, upload, socketio or job; "all" for the line that pools HTTP and uploads without the probes.
    probe: outside of the plan's rate. expected: for deliveries, how many there should have been.
    rate_per_second: completed per second of the phase. response: from the intended start. service: from the actual one.
    """

    level: str
    endpoint: str
    kind: str
    probe: bool
    offered: int
    completed: int
    errors: int
    dropped: int
    late: int
    expected: int
    rate_per_second: float
    response: Times
    service: Times
    error_kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Series over the whole load, all of the same length: one value for each window, None where nothing was seen.

    starts_seconds: start of each window, from the start of the load. The request series hold HTTP and uploads without
    probes, each request in the window in which it was meant to start; planned_per_second is the levels' rate (None
    outside of settle and measure). servers: "source.key" (such as "host.cpu_busy_ratio") → means of the window, None
    for a gap. backlog: the generator's requests in flight. loop_lag and generator_cpu: the worst worker.
    """

    window_seconds: int
    starts_seconds: tuple[float, ...]
    planned_per_second: tuple[float | None, ...]
    offered_per_second: tuple[float | None, ...]
    completed_per_second: tuple[float | None, ...]
    errors_per_second: tuple[float | None, ...]
    dropped_per_second: tuple[float | None, ...]
    response_p50_seconds: tuple[float | None, ...]
    response_p95_seconds: tuple[float | None, ...]
    response_p99_seconds: tuple[float | None, ...]
    service_p95_seconds: tuple[float | None, ...]
    in_flight: tuple[float | None, ...]
    sockets: tuple[float | None, ...]
    generator_cpu_ratio: tuple[float | None, ...]
    loop_lag_p99_seconds: tuple[float | None, ...]
    servers: Mapping[str, tuple[float | None, ...]]


def level_summary(evidence: Evidence, level: Level) -> tuple[EndpointSummary, ...]:
    """The level's measure phase: first all HTTP requests pooled, then each endpoint in the order in which it first
    appears in the run, the same at each level; probes have lines of their own, after the others."""
    seconds = seconds_of(measured(level))
    order = dict.fromkeys((row.endpoint, row.kind, row.probe) for row in evidence.requests)
    groups: dict[tuple[str, str, bool], list[RequestRow]] = {key: [] for key in sorted(order, key=lambda key: key[2])}
    for row in rows(evidence, seconds):
        groups[row.endpoint, row.kind, row.probe].append(row)
    pooled = [row for group in groups.values() for row in group if row.kind in HTTP_KINDS and not row.probe]
    lines = [_line(level, ("all HTTP", "all", False), pooled)] if pooled else []
    lines += [_line(level, key, group) for key, group in groups.items() if group]
    return tuple(lines)


def timeline(evidence: Evidence, window_seconds: int = 1) -> Timeline:
    """The whole load in windows of that many seconds (at least 1)."""
    length = _length_seconds(evidence)
    starts = range(0, length, window_seconds)
    http = [row for row in evidence.requests if row.kind in HTTP_KINDS and not row.probe]
    by_second = tally_by_second(http, range(length))
    windows = [_sum(by_second[start : start + window_seconds]) for start in starts]
    widths = [min(window_seconds, length - start) for start in starts]
    response: list[list[Distribution]] = [[] for _ in starts]
    service: list[list[Distribution]] = [[] for _ in starts]
    for row in http:
        if 0 <= row.second < length:
            response[row.second // window_seconds].append(row.response)
            service[row.second // window_seconds].append(row.service)
    answered = [histogram.merge(each) for each in response]
    served = [histogram.merge(each) for each in service]
    generator = _generator(evidence, len(starts), window_seconds)
    return Timeline(
        window_seconds=window_seconds,
        starts_seconds=tuple(float(start) for start in starts),
        planned_per_second=tuple(_planned(evidence, start + window_seconds / 2) for start in starts),
        offered_per_second=tuple(each.offered / width for each, width in zip(windows, widths, strict=True)),
        completed_per_second=tuple(each.completed / width for each, width in zip(windows, widths, strict=True)),
        errors_per_second=tuple(each.errors / width for each, width in zip(windows, widths, strict=True)),
        dropped_per_second=tuple(each.dropped / width for each, width in zip(windows, widths, strict=True)),
        response_p50_seconds=tuple(histogram.quantile(each, 0.5) for each in answered),
        response_p95_seconds=tuple(histogram.quantile(each, 0.95) for each in answered),
        response_p99_seconds=tuple(histogram.quantile(each, 0.99) for each in answered),
        service_p95_seconds=tuple(histogram.quantile(each, 0.95) for each in served),
        in_flight=generator["in_flight"],
        sockets=generator["sockets"],
        generator_cpu_ratio=generator["cpu"],
        loop_lag_p99_seconds=generator["lag"],
        servers=_servers(evidence, len(starts), window_seconds),
    )


def times_of(distribution: Distribution) -> Times:
    """The percentiles that people read."""
    if not distribution.count:
        return Times(0, None, None, None, None, None)
    return Times(
        distribution.count,
        histogram.mean_seconds(distribution),
        histogram.quantile(distribution, 0.5),
        histogram.quantile(distribution, 0.95),
        histogram.quantile(distribution, 0.99),
        distribution.max_seconds,
    )


def _line(level: Level, key: tuple[str, str, bool], group: list[RequestRow]) -> EndpointSummary:
    endpoint, kind, probe = key
    seconds = len(seconds_of(measured(level)))
    total = tally(group)
    kinds: Counter[str] = Counter()
    for row in group:
        kinds.update(row.error_kinds)
    return EndpointSummary(
        level=level.name.value,
        endpoint=endpoint,
        kind=kind,
        probe=probe,
        offered=total.offered,
        completed=total.completed,
        errors=total.errors,
        dropped=total.dropped,
        late=total.late,
        expected=total.expected,
        rate_per_second=total.completed / seconds if seconds else 0.0,
        response=times_of(histogram.merge(row.response for row in group)),
        service=times_of(histogram.merge(row.service for row in group)),
        error_kinds=dict(kinds.most_common()),
    )


def _length_seconds(evidence: Evidence) -> int:
    """Up to the last second of which anything is known, and no further than the plan: a run may have been cut short."""
    if evidence.load_start_seconds is None:
        return 0
    known = [row.second + 1 for row in evidence.requests]
    known += [int(load_second(evidence, each.monotonic_seconds) or 0) + 1 for each in evidence.servers]
    return max(0, min(int(evidence.plan.duration_seconds), max(known, default=0)))


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for each in tallies:
        total.completed += each.completed
        total.errors += each.errors
        total.dropped += each.dropped
        total.late += each.late
        total.expected += each.expected
    return total


def _planned(evidence: Evidence, second: float) -> float | None:
    for level in evidence.plan.levels:
        if level.phases[0].end_seconds <= second < measured(level).end_seconds:
            return level.rate.value
    return None


def _window(evidence: Evidence, monotonic_seconds: float, window_seconds: int) -> int:
    second = load_second(evidence, monotonic_seconds)
    return -1 if second is None or second < 0 else int(second // window_seconds)


def _servers(evidence: Evidence, windows: int, window_seconds: int) -> dict[str, tuple[float | None, ...]]:
    seen: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in evidence.servers:
        for window in sorted({second // window_seconds for second in spoken_for(evidence, sample)}):
            if 0 <= window < windows:
                for key, value in sample.values.items():
                    seen[f"{sample.source}.{key}"][window].append(value)
    return {
        name: tuple(_mean(values.get(window)) for window in range(windows)) for name, values in sorted(seen.items())
    }


def _generator(evidence: Evidence, windows: int, window_seconds: int) -> dict[str, tuple[float | None, ...]]:
    """Sums over the workers of what they hold (their last sample of the window), the worst of their health."""
    cpu: list[list[float]] = [[] for _ in range(windows)]
    lag: list[list[float]] = [[] for _ in range(windows)]
    for sample in evidence.generator:
        window = _window(evidence, sample.monotonic_seconds, window_seconds)
        if 0 <= window < windows:
            cpu[window].append(sample.cpu_ratio)
            lag[window].append(sample.loop_lag_p99_seconds)
    return {
        "in_flight": _last_of(
            held_together(evidence, lambda sample: sample.requests_in_flight), windows, window_seconds
        ),
        "sockets": _last_of(held_together(evidence, lambda sample: sample.sockets), windows, window_seconds),
        "cpu": tuple(max(each, default=None) for each in cpu),
        "lag": tuple(max(each, default=None) for each in lag),
    }


def _last_of(by_second: dict[int, float], windows: int, window_seconds: int) -> tuple[float | None, ...]:
    """The value of each window's last second that has one."""
    last: list[float | None] = [None] * windows
    for second in sorted(by_second):
        if 0 <= second // window_seconds < windows:
            last[second // window_seconds] = float(by_second[second])
    return tuple(last)


def _mean(values: list[float] | None) -> float | None:
    return sum(values) / len(values) if values else None
