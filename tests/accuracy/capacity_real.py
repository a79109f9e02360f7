"""Searches for the capacity of a real queue, in real time, against the truth from the server's own log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import numpy as np

from harness.oracle.log import Served, read_served
from harness.oracle.simulation import arrive, plateau, respond
from tests.accuracy.real_steps import KEPT, LOCUSTFILE, PROJECT, TARGET, Found, serving, step
from tests.accuracy.study import SEED, Row, Table


@dataclass(frozen=True, slots=True)
class Queue:
    """An M/M/c queue, and the p90 that it is to keep."""

    servers: int
    service_seconds: float
    bound_seconds: float

    @property
    def first_rate(self) -> float:
        """Where its searches begin: below the truth."""
        return 0.6 * self.servers / self.service_seconds


QUEUES = (Queue(1, 1 / 600, 0.020), Queue(2, 2 / 600, 0.020), Queue(8, 8 / 600, 0.040))
"""600 services a second: the slower the queue, the longer its requests share their fate, and the less 20 s can tell."""
SEARCHES = 2
QUANTILE = 0.9
SEARCH_BUDGET = "480s"
WIDTH = "5%"


def capacity_real() -> Table:
    """Two searches for each number of servers, against the truth from the server's own log."""
    lines, within, contains = [], 0, 0
    for queue in QUEUES:
        for number in range(1, SEARCHES + 1):
            found = step("capacity-real", f"c{queue.servers}-{number}", partial(_search, queue, number))
            lower, upper, truth = found["lower"], found["upper"], found["truth"]
            middle = None if lower is None or upper is None else (lower * upper) ** 0.5
            near = middle is not None and abs(middle / truth - 1) <= 0.05
            holds = lower is not None and upper is not None and lower <= truth <= upper
            within, contains = within + near, contains + holds
            lines.append(
                Row(
                    (
                        f"M/M/{queue.servers}, search {number}",
                        f"{truth:.1f}/s (Poisson: {found['truth_poisson']:.1f}/s)",
                        "–" if middle is None else f"{middle:.1f}/s",
                        "–" if middle is None else f"{(middle / truth - 1) * 100:+.1f} %",
                        f"{_rate(lower)} to {_rate(upper)}" + (", holds it" if holds else ", does not hold it"),
                        f"{found['trials']}",
                    ),
                    "± 5 %",
                    near,
                )
            )
    return Table(
        "Is a real queue's capacity found?",
        "the service times that the server logged, drawn again in the simulation with arrivals as the generator offers "
        "them, at the rate at which the p90 is its bound",
        ("queue", "true capacity", "found", "off", "bracket", "trials"),
        tuple(lines),
        (
            f"20-s trials; a search ends at a bracket of {WIDTH} or after {SEARCH_BUDGET}, whichever comes first, and "
            "what it found is its bracket's middle: p90 ≤ 20 ms (c = 8: 40 ms). "
            f"{within} of {len(lines)} within 5 %, {contains} brackets hold the truth.",
        ),
    )


def _rate(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}/s"


def _search(queue: Queue, number: int) -> Found:
    folder = KEPT / "capacity-real" / f"c{queue.servers}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "oracle.toml"
    text = TARGET.read_text().replace('"95 %"', f'"{QUANTILE:.0%}"'.replace("%", " %"))
    target.write_text(text.replace('at_most = "100 ms"', f'at_most = "{queue.bound_seconds * 1000:g} ms"'))
    log = folder / "served.jsonl"
    with serving("mmc", log, servers=queue.servers, service_seconds=queue.service_seconds, seed=number) as server:
        words = ["capacity", str(target), "--stage", "1", "--stack", "external", "--host", server.url]
        words += ["--from", f"{queue.first_rate:.0f}", "--width", WIDTH, "--budget", SEARCH_BUDGET]
        words += ["--seed", str(number), "--locustfile", str(LOCUSTFILE), "--runs", str(folder / "runs"), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli.main", *words],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(PROJECT))},
            stdout=subprocess.PIPE,
            text=True,
            timeout=900,
            check=False,
        )
    if not done.stdout.strip():
        raise RuntimeError(f"the search gave no answer (exit code {done.returncode})")
    answer = json.loads(done.stdout)
    served = [each for each in read_served(log) if each.status == 200]
    return {
        "lower": answer["bracket"]["lower_per_second"],
        "upper": answer["bracket"]["upper_per_second"],
        "trials": len(answer["trials"]),
        "truth": true_capacity(queue, served, batch_seconds=2.0),
        "truth_poisson": true_capacity(queue, served, batch_seconds=None),
        "served": len(served),
    }


def true_capacity(queue: Queue, served: Sequence[Served], batch_seconds: float | None, seconds: float = 2000) -> float:
    """The rate at which the quantile is the bound, with service times and delays of sending drawn from the log.

    batch_seconds: arrivals are Poisson given their count in each batch, as the generator offers them; None: plain
    Poisson. The same draws at every rate, so that the root is that of one smooth curve.
    """
    services = np.array([each.service_seconds for each in served])
    overshoots = np.array([each.overshoot_seconds for each in served])
    most = queue.servers / float(services.mean())

    def quantile(rate: float) -> float:
        random, numbers = Random(SEED), np.random.default_rng(SEED)
        if batch_seconds is None:
            starts = np.cumsum(numbers.exponential(1 / rate, round(rate * seconds)))
        else:
            starts = arrive(plateau(rate, seconds, batch_seconds), random)
        chosen = numbers.integers(0, len(services), len(starts))
        responses = respond(starts, services[chosen], queue.servers) + overshoots[chosen]
        return float(np.quantile(responses, QUANTILE, method="inverted_cdf"))

    low, high = 0.3 * most, 0.995 * most
    while high - low > 0.002 * most:
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) <= queue.bound_seconds else (low, middle)
    return (low + high) / 2
