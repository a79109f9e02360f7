"""The p99 of a system that stands still from time to time, against its exact open-model value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from harness.analysis.decide import decide
from harness.model.plan import Arrivals
from harness.model.slo import SloKind
from harness.model.units import Unit
from harness.oracle.simulation import Seconds, arrive, observe, plateau, record, respond
from tests.accuracy.study import SEED, Row, Table
from tests.accuracy.systems import slo

LIMIT = 0.02
SERVICE_SECONDS = 0.001
BATCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stall:
    """A server that answers in 1 ms, however many ask, but stands still for ``stall`` seconds in every ``every``."""

    name: str
    stall_seconds: float
    every_seconds: float
    seconds: int = 300
    rate_per_second: float = 100.0

    @property
    def exact_p99(self) -> float:
        """Arrivals are even over time, so that the share stall ÷ every meets a stall and waits for what is left of it:
        P(response > x) = (stall − x)/every."""
        return SERVICE_SECONDS + max(0.0, self.stall_seconds - 0.01 * self.every_seconds)

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """When it stands still: at the end of each period."""
        count = round(self.seconds / self.every_seconds)
        return tuple(
            (self.every_seconds * (k + 1) - self.stall_seconds, self.every_seconds * (k + 1)) for k in range(count)
        )


STALLS = (
    Stall("100 s once in 300 s (T2)", 100, 300),
    Stall("10 s once in 300 s", 10, 300),
    Stall("5 s every 60 s", 5, 60),
    Stall("1 s every 10 s", 1, 10, 100, 400.0),
    Stall("300 ms every 5 s", 0.3, 5, 100, 1000.0),
)


def run(runs: int, stalls: tuple[Stall, ...] = STALLS) -> Table:
    """Each stall, once with even arrivals and ``runs`` times with random ones."""
    rows, figures = [], {}
    for stall in stalls:
        even = _p99(stall, _arrivals(stall, Random(SEED), Arrivals.CONSTANT))
        off = [abs(even / stall.exact_p99 - 1)]
        for index in range(runs):
            starts = _arrivals(stall, Random(f"{SEED}/{stall.name}/{index}"), Arrivals.POISSON)
            off.append(abs(_p99(stall, starts) / _exact(stall, starts) - 1))
        rows.append(
            Row(
                (
                    stall.name,
                    f"{stall.exact_p99:.3f} s",
                    f"{even:.3f} s",
                    f"{off[0] * 100:.2f} %",
                    f"{max(off[1:]) * 100:.2f} %",
                    f"{_closed(stall):.3f} s",
                ),
                "≤ 2 %",
                max(off) <= LIMIT,
            )
        )
        figures[stall.name] = max(off)
    return Table(
        "Is a stall seen in full? p99 of response times",
        "with even arrivals P(response > x) = (stall − x) ÷ period; with random ones, the wait of each arrival for the "
        "end of its stall, sorted",
        (
            "the system stands still",
            "true p99",
            "found",
            "off",
            f"farthest off, {runs:,} random",
            "a closed loop's p99",
        ),
        tuple(rows),
        (
            "Arrivals of the real scheduler, rows as the recorder writes them, the percentile of the judge. A closed "
            "loop is one user who waits for each answer before asking again, 10 ms after the last question.",
        ),
        figures,
    )


def _arrivals(stall: Stall, random: Random, arrivals: Arrivals) -> Seconds:
    return arrive(plateau(stall.rate_per_second, stall.seconds, BATCH_SECONDS), random, arrivals)


def _exact(stall: Stall, starts: Seconds) -> float:
    """The p99 of those arrivals, without any queue, histogram or judge."""
    left = np.zeros(len(starts))
    for start, end in stall.windows:
        inside = (starts >= start) & (starts < end)
        left[inside] = end - starts[inside]
    return SERVICE_SECONDS + float(np.sort(left)[math.ceil(0.99 * len(left)) - 1])


def _p99(stall: Stall, starts: Seconds) -> float:
    # As many servers as may be asked at once, so that nothing waits but for the stall.
    most = math.ceil(stall.rate_per_second * (stall.stall_seconds + 1) * 1.5)
    responses = respond(starts, np.full(len(starts), SERVICE_SECONDS), most, stall.windows)
    seen = observe(record(starts, responses, (1.0,)), range(stall.seconds), BATCH_SECONDS)
    p99 = replace(slo(SloKind.QUANTILE, 1.0, Unit.SECONDS), quantile=0.99)
    found = decide(p99, seen).measurement
    assert found is not None
    return found.value


def _closed(stall: Stall) -> float:
    """What a user who waits for each answer sees: one long answer in each stall."""
    times, now, gap = [], 0.0, 1 / stall.rate_per_second
    windows = list(stall.windows)
    while now < stall.seconds:
        held = next((end for start, end in windows if start <= now < end), None)
        answer = SERVICE_SECONDS if held is None else held - now + SERVICE_SECONDS
        times.append(answer)
        now = max(now + gap, now + answer)
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]
