"""Single numbers of a system's own, by name, from any ``/metrics`` in the Prometheus text format."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.model.target import Metric, MetricKind
from harness.samplers.base import growth, known, per_second, share
from harness.samplers.connection import HttpConnection
from harness.samplers.targets import Targets

PERIOD_SECONDS = 5.0
"""As for the application's own: answering costs the servers what belongs to the requests under test."""
_LABEL = re.compile(r'(\w+)="((?:\\.|[^"\\])*)"')
_ESCAPED = re.compile(r'\\([\\"n])')


class MetricsSampler:
    """Samples what was asked for of one address. variable: the environment variable that holds the address."""

    period_seconds = PERIOD_SECONDS

    def __init__(self, variable: str, url: str, metrics: tuple[Metric, ...]) -> None:
        self.source = f"metrics {variable}"
        self._metrics = metrics
        self._connection = HttpConnection(url)

    def fetch(self) -> bytes:
        """Get the metrics."""
        return self._connection.get()

    def parse(self, raw: bytes, previous: bytes | None, elapsed_seconds: float) -> Mapping[str, float]:
        """A gauge as it is, a counter per second, a histogram's (or summary's) mean since the sample before."""
        values: dict[str, float | None] = {}
        for metric in self._metrics:
            if metric.kind is MetricKind.GAUGE:
                values[metric.name] = total(raw, metric.metric, metric.labels)
            elif previous is not None:
                values[metric.name] = _since(metric, raw, previous, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> tuple[MetricsSampler, ...]:
    """One for each address."""
    return tuple(
        MetricsSampler(variable, url, tuple(each for each in targets.metrics if each.url_variable == variable))
        for variable, url in targets.metrics_urls
    )


def total(text: bytes, name: str, labels: tuple[tuple[str, str], ...]) -> float | None:
    """The sum of the series of that name that have these labels, and perhaps others; None when there is none."""
    found = None
    for line in text.decode().splitlines():
        if not line.startswith(name) or line[len(name) : len(name) + 1] not in ("{", " "):
            continue
        inside, _, number = line[len(name) :].rpartition("}")
        has = {label: _ESCAPED.sub(_plain, value) for label, value in _LABEL.findall(inside)}
        if all(has.get(label) == value for label, value in labels):
            found = (found or 0.0) + float(number.split()[0])
    return found


def _plain(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] == "n" else escaped[1]


def _since(metric: Metric, raw: bytes, previous: bytes, elapsed_seconds: float) -> float | None:
    def pair(name: str) -> tuple[float, float] | None:
        now, before = total(raw, name, metric.labels), total(previous, name, metric.labels)
        return None if now is None or before is None else (now, before)

    if metric.kind is MetricKind.COUNTER:
        counted = pair(metric.metric)
        return None if counted is None else per_second(*counted, elapsed_seconds)
    sums, counts = pair(f"{metric.metric}_sum"), pair(f"{metric.metric}_count")
    return None if sums is None or counts is None else share(growth(*sums), growth(*counts))
