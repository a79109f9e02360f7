"""``recording_cost.py CALLS``: prints the seconds that recording one good request takes, by its parts.

What counts is what a user's request costs beside the request itself: the two clock readings with their counters, and
the row. The loop's own cost is taken off. 20 endpoints in turn and times of some milliseconds that differ, so that the
dictionaries are as full as those of a real run.
"""

from __future__ import annotations

import json
import sys
import time
from random import Random

from harness.loadgen.recorder import Endpoint, Meter, Recorder


def main(calls: int) -> None:
    """Print a JSON object."""
    random = Random(1)
    endpoints = [Endpoint(f"GET /api/things/{number}", "people", "http") for number in range(20)]
    times = [abs(random.lognormvariate(-5.5, 0.6)) for _ in range(1000)]
    recorder, meter = Recorder((0.1, 0.3, 0.5, 1.0)), Meter()
    work = [(endpoints[index % 20], times[index % 1000]) for index in range(1000)]
    completed, begin, end = recorder.completed, meter.begin, meter.end
    rounds = max(1, calls // 1000)

    def empty() -> None:
        for _endpoint, _seconds in work:
            pass

    def row() -> None:
        for endpoint, seconds in work:
            completed(endpoint, 7, seconds, seconds)

    def clocks() -> None:
        for _endpoint, _seconds in work:
            end(begin(), good=True)

    cost = {}
    for part in (empty, row, clocks):
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(max(1, rounds // 5)):
                part()
            best = min(best, (time.perf_counter() - began) / (max(1, rounds // 5) * len(work)))
        cost[part.__name__] = best
    parts = {"row": cost["row"] - cost["empty"], "clocks": cost["clocks"] - cost["empty"]}
    print(json.dumps({"seconds": sum(parts.values()), **parts}))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
