"""nginx: connections by state and its counts of connections and requests, from stub_status.

The sampler's own connection and its one request a sample are left out, except in ``requests_total``, which is nginx's
own number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.samplers.base import known, per_second
from harness.samplers.connection import HttpConnection
from harness.samplers.targets import Targets

_STATUS = re.compile(
    rb"Active connections: (\d+)\s+server accepts handled requests\s+(\d+) (\d+) (\d+)\s+"
    rb"Reading: (\d+) Writing: (\d+) Waiting: (\d+)"
)


class NginxSampler:
    """Samples one nginx."""

    source = "nginx"
    period_seconds = 1.0

    def __init__(self, url: str) -> None:
        self._connection = HttpConnection(url)

    def fetch(self) -> bytes:
        """Get the status page."""
        return self._connection.get()

    def parse(self, raw: bytes, previous: bytes | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of the server."""
        active, accepts, _, requests, reading, writing, waiting = _numbers(raw)
        values: dict[str, float | None] = {
            "active": max(0, active - 1),
            "reading": reading,
            "writing": max(0, writing - 1),  # while it answers, nginx is writing to the sampler
            "waiting": waiting,
            "requests_total": requests,
        }
        if previous is not None:
            _, accepts_before, _, requests_before, *_ = _numbers(previous)
            values["requests_per_second"] = per_second(requests - 1, requests_before, elapsed_seconds)
            values["connections_per_second"] = per_second(accepts, accepts_before, elapsed_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> NginxSampler | None:
    """Made when there is a status page."""
    return None if targets.nginx_status_url is None else NginxSampler(targets.nginx_status_url)


def _numbers(page: bytes) -> tuple[int, ...]:
    match = _STATUS.search(page)
    if match is None:
        raise ValueError("not a stub_status page")
    return tuple(int(number) for number in match.groups())
