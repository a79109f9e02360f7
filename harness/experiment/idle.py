"""Waiting between two trials until the servers have nothing left to do of the one before."""

from __future__ import annotations

from collections.abc import Mapping

from harness.experiment.servers import Servers
from harness.experiment.settings import StopRequest
from harness.store.layout import RunDirectory

WATCHED = ("application.requests_in_flight", "celery.depth.", "celery.unacknowledged", "pgbouncer.client_waiting")
"""Where work waits, by the beginning of "source.metric"."""
BASELINE_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
"""A queue that has not emptied by then is evidence of its own: the next trial says that it began so."""
POLL_SECONDS = 0.2


def queues(values: Mapping[str, float]) -> dict[str, float]:
    """Those of the samplers' values that count what waits."""
    return {name: value for name, value in values.items() if name.startswith(WATCHED)}


def at_baseline(values: Mapping[str, float], baseline: Mapping[str, float]) -> bool:
    """Whether everything that waits is back to where it was; what is not seen now is not known to be."""
    return all(name in values and values[name] <= before for name, before in baseline.items())


class Idle:
    """Looks at the servers between the trials; what it sees is kept in the search's own servers.jsonl."""

    def __init__(self, servers: Servers, home: RunDirectory, stop: StopRequest) -> None:
        self._servers = servers
        self._home = home
        self._stop = stop
        self._baseline: dict[str, float] | None = None

    def wait(self) -> bool:
        """Wait until the queues are where they were before the first trial, whose baseline the first call takes.

        False when they are not within PATIENCE_SECONDS, or when somebody asked for the end. Where no queue can be seen
        (an external stack) the generator has waited for its own last answers, and nothing else is known to wait.
        """
        self._servers.start_sampling(self._home)
        try:
            if self._baseline is None:
                self._baseline = self._highest(BASELINE_SECONDS)
                return True
            return self._settles(self._baseline)
        finally:
            self._servers.stop_sampling()

    def _highest(self, seconds: float) -> dict[str, float]:
        highest: dict[str, float] = {}
        for _ in range(round(seconds / POLL_SECONDS)):
            if self._stop.wait(POLL_SECONDS):
                break
            for name, value in queues(self._servers.latest()).items():
                highest[name] = max(value, highest.get(name, 0.0))
        return highest

    def _settles(self, baseline: Mapping[str, float]) -> bool:
        for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
            if at_baseline(queues(self._servers.latest()), baseline):
                return True
            if self._stop.wait(POLL_SECONDS):
                break
        return False
