"""How far is a reported percentile from the exact order statistic of the very same times?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.analysis import histogram
from harness.analysis.percentiles import nearest_rank
from harness.loadgen.recorder import Endpoint, Recorder
from tests.accuracy.study import SEED, Row, Table

LIMIT = 0.01
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
SIZES = (1, 7, 100, 3000, 30_000)
SHORTEST = 0.0002
"""Seconds. The recorder cuts off below a microsecond, which is 0.5 % of it."""
Floats = NDArray[np.float64]


def _distributions(rng: np.random.Generator, n: int) -> dict[str, Floats]:
    slow = rng.random(n) < 0.05
    return {
        "log-normal, σ = 0.3": 0.02 * rng.lognormal(0, 0.3, n),
        "log-normal, σ = 2": 0.05 * rng.lognormal(0, 2, n),
        "exponential": rng.exponential(0.1, n),
        "uniform": rng.uniform(0.001, 1.0, n),
        "Pareto, tail index 1.2": 0.01 * (1 + rng.pareto(1.2, n)),
        "two modes: 5 ms, and 2 s for one in 20": np.where(slow, 2.0, 0.005) * rng.lognormal(0, 0.1, n),
        "all the same": np.full(n, 0.12345),
        "whole milliseconds": rng.integers(1, 2000, n) / 1000,
        "a stall: 100 s falling to 0": np.linspace(100, 0, n),
    }


def run(runs: int) -> Table:
    """Every distribution at every size, through the recorder, by endpoint and second, merged as the judge does."""
    rng = np.random.default_rng(SEED)
    worst: dict[str, dict[float, float]] = {}
    for size in SIZES:
        for _ in range(max(1, runs // size)):
            for name, values in _distributions(rng, size).items():
                times = np.maximum(values, SHORTEST)
                reported = _reported(times)
                ordered = np.sort(times)
                for quantile in QUANTILES:
                    exact = float(ordered[nearest_rank(quantile, size) - 1])
                    found = histogram.quantile(reported, quantile)
                    assert found is not None
                    line = worst.setdefault(name, dict.fromkeys(QUANTILES, 0.0))
                    line[quantile] = max(line[quantile], abs(found / exact - 1))
    rows = [
        Row(
            (name, *(f"{line[quantile] * 100:.2f} %" for quantile in QUANTILES)),
            "≤ 1 %",
            max(line.values()) <= LIMIT,
        )
        for name, line in worst.items()
    ]
    return Table(
        "How far is a reported percentile from the exact one?",
        "the times themselves, sorted, and the ⌈pn⌉-th of them",
        ("times", *(f"p{quantile * 100:.4g}" for quantile in QUANTILES)),
        tuple(rows),
        (
            f"The worst of {sum(max(1, runs // size) for size in SIZES):,} samples of 1 to {max(SIZES):,} times of at "
            "least 0.2 ms, through the recorder and merged over endpoints and seconds. No verdict depends on it: what "
            "exceeds a bound is counted exactly.",
        ),
        {name: max(line.values()) for name, line in worst.items()},
    )


def _reported(times: Floats) -> histogram.Distribution:
    """All of them as rows of 60 seconds and 3 endpoints, and merged again."""
    recorder = Recorder((0.5,))
    endpoints = [Endpoint(name, "student", "http") for name in ("GET /a", "GET /b", "POST /c")]
    for index, value in enumerate(times.tolist()):
        recorder.completed(endpoints[index % 3], index % 60, value, value)
    return histogram.merge(row.response for row in recorder.take())
