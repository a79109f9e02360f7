"""Connecting again after a loss: later each time, and not all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Capped exponential back-off with jitter: ``first · factor^attempt``, at most ``last``, times 1 ± jitter.

    The jitter spreads clients that a server has lost together; the doubling keeps them from finishing it off.
    """

    first_seconds: float = 0.5
    last_seconds: float = 10.0
    factor: float = 2.0
    jitter: float = 0.5

    def seconds(self, attempt: int, random: Random) -> float:
        """How long to wait before that attempt, counted from 0 since the last connection that held."""
        # The cap is found without raising the factor to a power that no float holds.
        wait = self.first_seconds
        for _ in range(attempt):
            wait *= self.factor
            if wait >= self.last_seconds:
                break
        return min(wait, self.last_seconds) * random.uniform(1 - self.jitter, 1 + self.jitter)


def stay(
    live: Callable[[], bool],
    over: Callable[[], bool],
    *,
    backoff: Backoff,
    random: Callable[[], Random],
    record: Callable[[float], None],
    sleep: Callable[[float], object],
) -> None:
    """Live one life after the other until it is ``over``, with the back-off between them.

    live: connects and stays until the connection is lost, and says whether it had been made. record: gets the wait
    before each reconnect, as it begins. random: asked for anew at each, so that none is kept for a client that holds.
    """
    attempt = -1
    while not over():
        attempt = 0 if live() else attempt + 1
        if over():
            return
        wait = backoff.seconds(attempt, random())
        record(wait)
        sleep(wait)
