"""The application's own numbers, from its /metrics in the Prometheus text format.

Sampled every five seconds: with several workers, answering means that the application opens and merges a file for each
of them, on CPU that belongs to the requests under test, and its means need more than a second's requests anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import HttpConnection
from harness.samplers.targets import Targets

_IN_FLIGHT = ("requests_in_flight", "requests_in_progress", "requests_inprogress")
_REQUEST = ("http_request_seconds", "request_seconds", "request_duration_seconds")
_QUERY = ("query_seconds", "query_duration_seconds")
"""How the names of the metrics may end: an application puts its own word before them."""


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
        """Requests in flight, and rates and means since the sample before."""
        now = sums(raw)
        values: dict[str, float | None] = {"requests_in_flight": _ending(now, _IN_FLIGHT)}
        if previous is not None:
            before = sums(previous)
            for what, names, rate in (
                ("request", _REQUEST, "requests_per_second"),
                ("query", _QUERY, "queries_per_second"),
            ):
                counts = _pair(now, before, [f"{name}_count" for name in names])
                seconds = _pair(now, before, [f"{name}_sum" for name in names])
                if counts is None or seconds is None:
                    continue
                values[rate] = per_second(*counts, elapsed_seconds)
                values[f"{what}_seconds_mean"] = share(growth(*seconds), growth(*counts))
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> ApplicationSampler | None:
    """Made when there is a URL."""
    return None if targets.application_metrics_url is None else ApplicationSampler(targets.application_metrics_url)


def sums(text: bytes) -> dict[str, float]:
    """Each metric of a Prometheus text, summed over its labels; buckets are skipped.

    A line is ``name{label="value",…} number [timestamp]``; only a label's value may hold spaces or braces.
    """
    totals: dict[str, float] = defaultdict(float)
    for line in text.decode().splitlines():
        if not line or line.startswith("#"):
            continue
        head, brace, labelled = line.partition("{")
        name, _, rest = (head, brace, labelled.rpartition("}")[2]) if brace else line.partition(" ")
        if not name.endswith("_bucket"):
            totals[name] += float(rest.split()[0])
    return dict(totals)


def _ending(metrics: Mapping[str, float], endings: tuple[str, ...] | list[str]) -> float | None:
    for ending in endings:
        for name, value in metrics.items():
            if name == ending or name.endswith("_" + ending):
                return value
    return None


def _pair(now: Mapping[str, float], before: Mapping[str, float], endings: list[str]) -> tuple[float, float] | None:
    new, old = _ending(now, endings), _ending(before, endings)
    return None if new is None or old is None else (new, old)
