"""Plan against measurement: what a run measured of the things that the plan predicts. Pure.

Every measure is the mean of one level's measure phase, from the means of contiguous batches (methodology §4). It never
judges: a ratio far from 1 may be the plan's mistake or another kind of load.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median

from harness.analysis.coverage import cut_short, is_measured
from harness.analysis.intervals import ALPHA, cautious_mean
from harness.analysis.phases import HTTP_KINDS, batch_ranges, load_second, measured, rows, seconds_of, spoken_for
from harness.analysis.rates import tally_by_second
from harness.analysis.workers import held_together
from harness.model.evidence import Evidence
from harness.model.measurement import Measurement
from harness.model.plan import Level
from harness.model.prediction import Comparison, Measure, Prediction, measure
from harness.model.samples import RequestRow

BySecond = Mapping[int, float]
Means = Sequence[float]
"""Of a level's batches, in order; empty where nothing was seen."""
DELIVERY = "socket delivery"
MESSAGES = ("socket ack", DELIVERY)
"""The endpoints of a message: on its way up, and down to each receiver."""
Observe = Callable[[Evidence, Level], Means]


def compare(evidence: Evidence) -> tuple[Comparison, ...]:
    """Every prediction of the run's stage beside what was measured, in the order of the file."""
    return tuple(_compared(evidence, each) for each in evidence.subject.predictions)


def _compared(evidence: Evidence, prediction: Prediction) -> Comparison:
    level = next((each for each in evidence.plan.levels if each.name.value == prediction.level), None)
    if level is None:
        return Comparison(prediction, None, None, f"the run had no level {prediction.level}")
    if not is_measured(evidence, level):  # a rate over seconds that never were would look like a prediction missed
        return Comparison(prediction, None, None, f"the level was not measured to its end: {cut_short(evidence)}")
    found = observed(evidence, level, prediction.measure)
    if found is None:
        return Comparison(prediction, None, None, "nothing was seen of it in the measure phase")
    return Comparison(prediction, found, ratio_of(found.value, prediction.low, prediction.high))


def ratio_of(value: float, low: float, high: float) -> tuple[float, float] | None:
    """The measured value ÷ both ends of the prediction, the smaller ratio first; None where zero is predicted."""
    return None if low <= 0 or high <= 0 else (value / high, value / low)


def observed(
    evidence: Evidence, level: Level, name: str, *, endpoint: str = "", alpha: float = ALPHA
) -> Measurement | None:
    """One measure at one level with its two-sided interval, which is wrong in alpha of all cases; None when nothing was
    seen of it. endpoint: of measures that can tell endpoints apart, that of one. Raises KeyError for a name that no
    measure has."""
    kind = measure(name)
    of_one = OF_ENDPOINT.get(kind.name) if endpoint else None
    means = OBSERVERS[name](evidence, level) if of_one is None else of_one(evidence, level, endpoint)
    return _measurement(kind, means, evidence.plan.batch_seconds, alpha) if means else None


def _measurement(kind: Measure, means: Means, batch_seconds: float, alpha: float) -> Measurement:
    interval = cautious_mean(means, alpha / 2, batch_seconds)
    return Measurement(
        sli=kind.name,
        value=fmean(means),
        unit=kind.unit,
        n=len(means),
        lower=None if interval is None else max(0.0, interval.lower),
        upper=None if interval is None else interval.upper,
        maximum=max(means),
        method=f"t-bounds of {len(means)} batch means",
        basis=kind.basis,
    )


def requests_per_core(evidence: Evidence, level: Level) -> Means:
    """Good responses per second ÷ CPU cores used."""
    return _quotient(evidence, level, _good(evidence, level), _series(evidence, "stack", "cpu_cores"))


def requests_per_second(evidence: Evidence, level: Level) -> Means:
    """Good responses per second."""
    return _means(evidence, level, _good(evidence, level))


def response_seconds(evidence: Evidence, level: Level, endpoint: str = "") -> Means:
    """Of good responses, of one endpoint or of all together."""
    seconds = seconds_of(measured(level))
    return _mean_times(
        evidence, level, rows(evidence, seconds, kinds=HTTP_KINDS, endpoint=endpoint or None, probes=False)
    )


def socket_delivery_seconds(evidence: Evidence, level: Level) -> Means:
    """Of the messages that arrived, each receiver by itself."""
    return _mean_times(evidence, level, rows(evidence, seconds_of(measured(level)), endpoint=DELIVERY))


def requests_in_flight(evidence: Evidence, level: Level) -> Means:
    """Growth of the generators' busy time, which is the integral of the requests in flight."""
    busy = held_together(evidence, lambda sample: sample.busy_seconds)
    return _means(evidence, level, {second: busy[second] - busy[second - 1] for second in busy if second - 1 in busy})


def queries_per_request(evidence: Evidence, level: Level) -> Means:
    """Statements ÷ good responses: what the jobs' statements are is among them."""
    return _quotient(evidence, level, _series(evidence, "application", "queries_per_second"), _good(evidence, level))


def queries_of_endpoint(evidence: Evidence, level: Level, endpoint: str) -> Means:
    """Statements ÷ requests of the endpoint that sent any, both as the application counted them since the sample
    before: how often a cache spares them is another measure."""
    sent, asking = (
        _series(evidence, "application", f"{key}.{endpoint}") for key in ("queries_of", "querying_requests_of")
    )
    return _quotient(evidence, level, sent, asking)


def query_seconds(evidence: Evidence, level: Level) -> Means:
    """The means of the seconds, each with the weight of its statements."""
    mean, rate = (_series(evidence, "application", key) for key in ("query_seconds_mean", "queries_per_second"))
    return _quotient(evidence, level, {second: mean[second] * rate[second] for second in mean if second in rate}, rate)


def cache_hit_ratio(evidence: Evidence, level: Level) -> Means:
    """Hits ÷ lookups between two samples, which all their seconds share."""
    hits, all_of_them = (_series(evidence, "application", key) for key in ("cache_hits", "cache_lookups"))
    return _quotient(evidence, level, hits, all_of_them)


def response_bytes(evidence: Evidence, level: Level) -> Means:
    """Bytes ÷ requests, both as nginx logged them."""
    if evidence.nginx_bytes is None or evidence.nginx_requests is None:
        return ()
    return _quotient(evidence, level, dict(evidence.nginx_bytes), dict(evidence.nginx_requests))


def response_bytes_per_second(evidence: Evidence, level: Level) -> Means:
    """Bytes that nginx sent; a second without a request sent none."""
    if evidence.nginx_bytes is None:
        return ()
    sent = dict(evidence.nginx_bytes)
    return _means(evidence, level, {second: float(sent.get(second, 0)) for second in seconds_of(measured(level))})


def sockets(evidence: Evidence, level: Level) -> Means:
    """Socket.IO connections held."""
    return _means(evidence, level, held_together(evidence, lambda sample: sample.sockets))


def socket_messages_per_second(evidence: Evidence, level: Level) -> Means:
    """Acknowledged and delivered messages, by the second in which each was meant to be sent."""
    seconds = seconds_of(measured(level))
    seen: dict[int, float] = dict.fromkeys(seconds, 0.0)
    found = False
    for endpoint in MESSAGES:
        for row in rows(evidence, seconds, endpoint=endpoint):
            seen[row.second] += row.completed
            found = True
    return _means(evidence, level, seen) if found else ()


def memory_per_socket_bytes(evidence: Evidence, level: Level) -> Means:
    """What the stack's memory has grown by since before the load, for each socket held."""
    used = _series(evidence, "stack", "memory_bytes")
    before = [used[second] for second in used if second < 0]
    held = held_together(evidence, lambda sample: sample.sockets)
    if not before or not any(held.get(second, 0) for second in seconds_of(measured(level))):
        return ()
    empty = median(before)
    return _quotient(evidence, level, {second: value - empty for second, value in used.items()}, held)


def job_processing_seconds(evidence: Evidence, level: Level) -> Means:
    """Of the jobs that finished, by the second of the upload's start."""
    taken: dict[int, list[float]] = defaultdict(list)
    for row in rows(evidence, seconds_of(measured(level)), endpoint="job processing"):
        if row.service.count:
            taken[row.second].append(row.service.sum_seconds / row.service.count)
    return [fmean(each) for each in taken.values()]


def sampled(source: str, key: str) -> Observe:
    """A measure that is one series of one sampler."""

    def observe(evidence: Evidence, level: Level) -> Means:
        return _means(evidence, level, _series(evidence, source, key))

    return observe


OBSERVERS: Mapping[str, Observe] = {
    "requests_per_core": requests_per_core,
    "requests_per_second": requests_per_second,
    "response_seconds": response_seconds,
    "requests_in_flight": requests_in_flight,
    "postgres_connections": sampled("postgres", "connections"),
    "queries_per_second": sampled("application", "queries_per_second"),
    "queries_per_request": queries_per_request,
    "query_seconds": query_seconds,
    "cache_hit_ratio": cache_hit_ratio,
    "redis_hit_ratio": sampled("redis", "hit_ratio"),
    "redis_memory_bytes": sampled("redis", "used_memory_bytes"),
    "response_bytes_per_second": response_bytes_per_second,
    "response_bytes": response_bytes,
    "memory_per_socket_bytes": memory_per_socket_bytes,
    "sockets": sockets,
    "socket_messages_per_second": socket_messages_per_second,
    "socket_delivery_seconds": socket_delivery_seconds,
    "stack_cpu_cores": sampled("stack", "cpu_cores"),
    "stack_cpu_ratio": sampled("stack", "cpu_ratio"),
    "stack_memory_bytes": sampled("stack", "memory_bytes"),
    "stored_bytes": sampled("storage", "disk_bytes"),
    "disk_operations_per_second": sampled("host", "disk_operations_per_second"),
    "job_processing_seconds": job_processing_seconds,
}
"""How each measure (``harness.model.prediction.MEASURES``) is observed."""
OF_ENDPOINT: Mapping[str, Callable[[Evidence, Level, str], Means]] = {
    "response_seconds": response_seconds,
    "queries_per_request": queries_of_endpoint,
}
"""Those that can be of one endpoint."""


def _good(evidence: Evidence, level: Level) -> BySecond:
    seconds = seconds_of(measured(level))
    found = tuple(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False))
    if not found:
        return {}
    tallies = tally_by_second(found, seconds)
    return {second: float(tally.completed) for second, tally in zip(seconds, tallies, strict=True)}


def _mean_times(evidence: Evidence, level: Level, found: Iterable[RequestRow]) -> Means:
    total: dict[int, float] = defaultdict(float)
    count: dict[int, float] = defaultdict(float)
    for row in found:
        total[row.second] += row.response.sum_seconds
        count[row.second] += row.response.count
    return _quotient(evidence, level, total, count)


def _series(evidence: Evidence, source: str, key: str) -> BySecond:
    """The means of each second for which the sampler speaks, those before the load (below zero) too."""
    seen: dict[int, list[float]] = defaultdict(list)
    for sample in evidence.servers:
        if (
            sample.source == source
            and key in sample.values
            and load_second(evidence, sample.monotonic_seconds) is not None
        ):
            for second in spoken_for(evidence, sample):
                seen[second].append(sample.values[key])
    return {second: fmean(each) for second, each in seen.items()}


def _batches(evidence: Evidence, level: Level) -> tuple[range, ...]:
    return batch_ranges(seconds_of(measured(level)), evidence.plan.batch_seconds)


def _means(evidence: Evidence, level: Level, values: BySecond) -> Means:
    inside = ([values[second] for second in batch if second in values] for batch in _batches(evidence, level))
    return [fmean(each) for each in inside if each]


def _quotient(evidence: Evidence, level: Level, above: BySecond, below: BySecond) -> Means:
    """Of the sums of each batch, over the seconds in which both were seen."""
    found = []
    for batch in _batches(evidence, level):
        both = [second for second in batch if second in above and second in below]
        divisor = sum(below[second] for second in both)
        if divisor > 0:
            found.append(sum(above[second] for second in both) / divisor)
    return found
