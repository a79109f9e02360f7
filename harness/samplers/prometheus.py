"""The application's own numbers, from its /metrics in the Prometheus text format.

Sampled every five seconds: with several workers, answering means that the application opens and merges a file for each
of them, on CPU that belongs to the requests under test, and its means need more than a second's requests anyway.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import HttpConnection
from harness.samplers.targets import Targets

_REQUEST = ("request_seconds", "request_duration_seconds")
_QUERY = ("query_seconds", "query_duration_seconds")
"""How the names of the histograms may end: an application puts its own word before them."""
_LOOKUPS = "cache_lookups_total"
"""How the name of the counter may end that has a label ``result``: ``hit`` or another."""
_STATEMENTS = "request_statements"
"""How the name of the summary may end that has a label ``endpoint``: statements of each request that sent any."""


class ApplicationSampler:
    """Samples one application, all its workers together."""

    source = "application"
    period_seconds = 5.0

    def __init__(self, *urls: str) -> None:
        """urls: of each application server, whose series are added up."""
        self._connections = tuple(HttpConnection(url) for url in urls)

    def fetch(self) -> bytes:
        """Get the metrics."""
        return b"\n".join(connection.get() for connection in self._connections)

    def parse(self, raw: bytes, previous: bytes | None, elapsed_seconds: float) -> Mapping[str, float]:
        """Rates and means since the sample before, and gauges as they are.

        An application that counts every request counts the sampler's own as in flight.
        """
        series = parse_text(raw)
        now = _sums(series)
        values: dict[str, float | None] = {
            "requests_in_flight": _ending(now, ("requests_in_flight",)),
            "requests_total": _ending(now, tuple(f"{name}_count" for name in _REQUEST)),
            "sockets_open": _ending(now, ("sockets_open",)),
            "hub_lag_seconds_max": _ending(_maxima(series), ("hub_lag_seconds",)),
            "connections_refused_total": _ending(now, ("connections_refused_total",)),
        }
        if previous is not None:
            before = _sums(parse_text(previous))
            for what, rate, names in (
                ("request", "requests_per_second", _REQUEST),
                ("query", "queries_per_second", _QUERY),
            ):
                counts = _pair(now, before, tuple(f"{name}_count" for name in names))
                seconds = _pair(now, before, tuple(f"{name}_sum" for name in names))
                if counts is None or seconds is None:
                    continue
                values[rate] = per_second(*counts, elapsed_seconds)
                values[f"{what}_seconds_mean"] = share(growth(*seconds), growth(*counts))
                if what == "query":
                    values["queries"] = growth(*counts)
            earlier = buckets(previous, _QUERY)
            for edge, count in buckets(raw, _QUERY).items():
                values[f"queries_within.{edge:g}"] = growth(count, earlier.get(edge, 0.0))
            looked, had = lookups(raw), lookups(previous) or (0.0, 0.0)  # before the first lookup nothing is counted
            if looked is not None:
                found, missed = (growth(now_, was) for now_, was in zip(looked, had, strict=True))
                if found is not None and missed is not None:
                    values |= {"cache_hits": found, "cache_lookups": found + missed}
                    values["cache_hit_ratio"] = share(found, found + missed)
            was_sent = statements(previous)
            for endpoint, (sent, asking) in statements(raw).items():
                sent_before, asking_before = was_sent.get(endpoint, (0.0, 0.0))  # nothing is counted before the first
                values[f"queries_of.{endpoint}"] = growth(sent, sent_before)
                values[f"querying_requests_of.{endpoint}"] = growth(asking, asking_before)
            waits = _pair(now, before, ("pool_wait_seconds_sum",))
            if waits is not None:
                # Seconds waited per second: how many requests waited for a connection, on average.
                values["pool_waiting"] = per_second(*waits, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()


def from_targets(targets: Targets) -> ApplicationSampler | None:
    """Made when there is a URL."""
    return ApplicationSampler(*targets.application_metrics_urls) if targets.application_metrics_urls else None


def parse_text(text: bytes) -> list[tuple[str, float]]:
    """The name and the number of each series of a Prometheus text; the buckets of histograms are skipped.

    A line is ``name{label="value",…} number [timestamp]``; only a label's value may hold spaces or braces.
    """
    series: list[tuple[str, float]] = []
    for line in text.decode().splitlines():
        if not line or line.startswith("#"):
            continue
        head, brace, labelled = line.partition("{")
        name, _, rest = (head, brace, labelled.rpartition("}")[2]) if brace else line.partition(" ")
        if not name.endswith("_bucket"):
            series.append((name, float(rest.split()[0])))
    return series


def buckets(text: bytes, endings: tuple[str, ...]) -> dict[float, float]:
    """How many observations of a histogram were at most so many seconds, by the finite edges of its buckets."""
    found: dict[float, float] = {}
    for line in text.decode().splitlines():
        name, _, labelled = line.partition("{")
        if not name.endswith(tuple(f"{ending}_bucket" for ending in endings)):
            continue
        labels, _, number = labelled.rpartition("}")
        edge = float(labels.partition('le="')[2].partition('"')[0])
        if math.isfinite(edge):
            found[edge] = found.get(edge, 0.0) + float(number.split()[0])
    return found


def lookups(text: bytes) -> tuple[float, float] | None:
    """Hits and misses of the application's cache since its start; None for one that does not count them."""
    totals = {"hit": 0.0, "miss": 0.0}
    seen = False
    for line in text.decode().splitlines():
        name, _, labelled = line.partition("{")
        if name.endswith(_LOOKUPS):
            labels, _, number = labelled.rpartition("}")
            result = labels.partition('result="')[2].partition('"')[0]
            if result in totals:
                totals[result] += float(number.split()[0])
                seen = True
    return (totals["hit"], totals["miss"]) if seen else None


def statements(text: bytes) -> dict[str, tuple[float, float]]:
    """Of each endpoint since the application's start: statements, and requests that sent any."""
    found: dict[str, list[float]] = {}
    for line in text.decode().splitlines():
        name, _, labelled = line.partition("{")
        for place, ending in enumerate(("_sum", "_count")):
            if name.endswith(_STATEMENTS + ending):
                labels, _, number = labelled.rpartition("}")
                endpoint = labels.partition('endpoint="')[2].partition('"')[0]
                found.setdefault(endpoint, [0.0, 0.0])[place] += float(number.split()[0])
    return {endpoint: (sent, asking) for endpoint, (sent, asking) in found.items() if endpoint}


def _sums(series: Iterable[tuple[str, float]]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for name, value in series:
        totals[name] = totals.get(name, 0.0) + value
    return totals


def _maxima(series: Iterable[tuple[str, float]]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for name, value in series:
        highest[name] = max(highest.get(name, value), value)
    return highest


def _ending(metrics: Mapping[str, float], endings: tuple[str, ...]) -> float | None:
    for ending in endings:
        for name, value in metrics.items():
            if name == ending or name.endswith("_" + ending):
                return value
    return None


def _pair(
    now: Mapping[str, float], before: Mapping[str, float], endings: tuple[str, ...]
) -> tuple[float, float] | None:
    new, old = _ending(now, endings), _ending(before, endings)
    return None if new is None or old is None else (new, old)
