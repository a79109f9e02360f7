"""The application's own numbers, from its /metrics in the Prometheus text format.

Sampled every five seconds: with several workers, answering means that the application opens and merges a file for each
of them, on CPU that belongs to the requests under test, and its means need more than a second's requests anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import HttpConnection
from harness.samplers.targets import Targets

_REQUEST = ("request_seconds", "request_duration_seconds")
_QUERY = ("query_seconds", "query_duration_seconds")
"""How the names of the histograms may end: an application puts its own word before them."""


class ApplicationSampler:
    """Samples one application, all its workers together."""

    source = "application"
    period_seconds = 5.0

    def __init__(self, url: str) -> None:
        self._connection = HttpConnection(url)

    def fetch(self) -> bytes:
        """Get the metrics."""
        return self._connection.get()

    def parse(self, raw: bytes, previous: bytes | None, elapsed_seconds: float) -> Mapping[str, float]:
        """Rates and means since the sample before, and gauges as they are.

        An application that counts every request counts the sampler's own as in flight.
        """
        series = parse_text(raw)
        now = _sums(series)
        values: dict[str, float | None] = {
            "requests_in_flight": _ending(now, ("requests_in_flight",)),
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
            waits = _pair(now, before, ("pool_wait_seconds_sum",))
            if waits is not None:
                # Seconds waited per second: how many requests waited for a connection, on average.
                values["pool_waiting"] = per_second(*waits, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> ApplicationSampler | None:
    """Made when there is a URL."""
    return None if targets.application_metrics_url is None else ApplicationSampler(targets.application_metrics_url)


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
