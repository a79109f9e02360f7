"""A server whose throughput depends on how many requests it holds, by the Universal Scalability Law. Pure.

Gunther's law: X(N) = λN ÷ (1 + σ(N−1) + κN(N−1)), with λ the rate of one request alone, σ contention, κ coherency. The
N requests in service share the server evenly, so each gets on by X(N) ÷ N of its work a second, and the work of every
request is the same: with N always in service, exactly X(N) a second are done.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

from harness.oracle.options import above_zero, at_least, count, number


@dataclass(frozen=True, slots=True)
class Usl:
    """The law's three coefficients, and how many may be in service at once; the rest wait in line."""

    alone_per_second: float = number("lambda", 100.0, "λ: requests per second with one at a time.")
    contention: float = number("sigma", 0.05, "σ: share of the work that waits for the others.")
    coherency: float = number("kappa", 0.001, "κ: what each pair costs; above 0, throughput falls beyond a peak.")
    most: int = count("most", 1000, "Requests in service at once; the rest wait in line.")

    def __post_init__(self) -> None:
        above_zero(alone_per_second=self.alone_per_second)
        at_least(0, contention=self.contention, coherency=self.coherency)
        at_least(1, most=self.most)

    def throughput_per_second(self, requests: int) -> float:
        """X(N)."""
        more = requests - 1
        cost = 1 + self.contention * more + self.coherency * requests * more
        return self.alone_per_second * requests / cost

    @property
    def best(self) -> tuple[int, float]:
        """The number of requests in service with the highest throughput, and that throughput: the true capacity."""
        found = max(range(1, self.most + 1), key=self.throughput_per_second)
        return found, self.throughput_per_second(found)


@dataclass(frozen=True, slots=True)
class Finished:
    """A request that had its work done."""

    key: int
    arrival_seconds: float
    start_seconds: float
    end_seconds: float


class SharedServer:
    """Requests in service, each with work of 1 to be done. Times never go backwards.

    ``work done`` is what each request in service since the very start would have had; one that enters when it is w
    leaves when it is w + 1. So only the number in service matters between two events.
    """

    def __init__(self, law: Usl) -> None:
        self._law = law
        self._now = 0.0
        self._done = 0.0
        self._service: list[tuple[float, int, float, float]] = []
        self._line: deque[tuple[int, float]] = deque()

    def arrive(self, key: int, at_seconds: float) -> None:
        """A request with that key; call ``finish`` with the same time first."""
        if not self._service:
            self._now, self._done = at_seconds, 0.0  # nobody is there to whom the sum of the past matters
        self._line.append((key, at_seconds))
        self._enter()

    def next_end(self) -> float | None:
        """When the next request will be done if none arrives before; None while nothing is in service."""
        if not self._service:
            return None
        return self._now + max(0.0, self._service[0][0] - self._done) / self._pace()

    def finish(self, until_seconds: float) -> tuple[Finished, ...]:
        """Let time pass; the requests that were done by then, each at its own exact time."""
        found = []
        while (end := self.next_end()) is not None and end <= until_seconds:
            due, key, arrival, start = heapq.heappop(self._service)
            self._now, self._done = end, due
            found.append(Finished(key, arrival, start, end))
            self._enter()
        if self._service and until_seconds > self._now:
            self._done += (until_seconds - self._now) * self._pace()
            self._now = until_seconds
        return tuple(found)

    def _enter(self) -> None:
        while self._line and len(self._service) < self._law.most:
            key, arrival = self._line.popleft()
            start = max(arrival, self._now)
            heapq.heappush(self._service, (self._done + 1.0, key, arrival, start))

    def _pace(self) -> float:
        return self._law.throughput_per_second(len(self._service)) / len(self._service)
