"""What a distributed load costs beside the load itself, in CPU seconds of one core. Prints a JSON object:

walk_seconds: of a worker for an arrival that is another's. merge_seconds: of the master for one report of a worker, by
its real messages over loopback, both ends together: an upper bound. read_seconds: of the harness, which follows the
rows for the live view. report_bytes: as it is sent.
"""

from __future__ import annotations

import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gevent.monkey

gevent.monkey.patch_all()

from locust.rpc import Message, zmqrpc  # noqa: E402

from harness.loadgen.evidence import Batch, files_of  # noqa: E402
from harness.loadgen.recorder import Endpoint, Recorder, Times  # noqa: E402
from harness.model.plan import LoadPlan, Segment, Stream  # noqa: E402
from harness.model.samples import GeneratorSample, RequestRow  # noqa: E402
from harness.planning.schedule import Shard, schedule  # noqa: E402
from harness.store.jsonl import Tail, decode  # noqa: E402
from harness.store.layout import RunDirectory  # noqa: E402

ENDPOINTS, SECONDS_OPEN, REQUESTS = 8, 2, 5000
"""A report's rows: of 8 endpoints, of the second just past and the one before it, 5,000 requests."""
REPORTS = 1000
ARRIVALS_PER_SECOND, WALKED_SECONDS = 20_000.0, 20


def report() -> dict[str, bytes]:
    """A second's lines, as a worker sends them."""
    draw, recorder = random.Random(1), Recorder((0.1, 0.3, 0.5, 1.0))
    for number in range(REQUESTS):
        endpoint = Endpoint(f"GET /api/things/{number % ENDPOINTS}", "visitors", "http")
        seconds = 0.05 * math.exp(0.5 * draw.gauss())
        recorder.completed(endpoint, number % SECONDS_OPEN, seconds, seconds)
    rows, lags = Batch(lambda row: row), Times()
    rows.append(*recorder.take())
    for _ in range(100):
        lags.add(0.001 * draw.random())
    lag = lags.value()
    sample = GeneratorSample(1.0, "worker-1", *([0.5] * 5), *([1] * 12), 1.0, 1.0, 1, 1, {}, lag, lag)
    samples = Batch(lambda row: row)
    samples.append(sample)
    return {"requests": rows.take(), "generator": samples.take()}


def timed(run: Callable[[], None]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main(plan: LoadPlan) -> dict[str, float]:
    lines = report()
    with tempfile.TemporaryDirectory() as folder:
        files = files_of(RunDirectory(Path(folder)))
        server = zmqrpc.Server("127.0.0.1", 0)
        client = zmqrpc.Client("127.0.0.1", server.port, "worker")

        def merge() -> None:
            for number in range(REPORTS):
                client.send(Message("report", {"number": number, "lines": lines, "last_word": None}, "worker"))
                _, heard = server.recv_from_client()
                for kind, text in heard.data["lines"].items():
                    files[kind].append_lines(text)
                server.send_to_client(Message("taken", {"number": number}, "worker"))
                client.recv()

        merged = timed(merge)
        tail = Tail(RunDirectory(Path(folder)).requests, RequestRow)
        read = timed(lambda: tail.read() and None)
    assert decode(RequestRow, lines["requests"].splitlines()[0]).completed > 0
    segment = Segment(0, WALKED_SECONDS, ARRIVALS_PER_SECOND, ARRIVALS_PER_SECOND)
    busy = replace(plan, streams=(Stream(plan.flows[0].name, (segment,)),))
    walked = timed(lambda: sum(1 for _ in schedule(busy, Shard(0, 1000))) and None)
    return {
        "merge_seconds": merged / REPORTS,
        "read_seconds": read / REPORTS,
        "walk_seconds": walked / (ARRIVALS_PER_SECOND * WALKED_SECONDS),
        "report_bytes": len(Message("report", {"number": 1, "lines": lines, "last_word": None}, "worker").serialize()),
    }


if __name__ == "__main__":
    print(json.dumps(main(decode(LoadPlan, sys.stdin.read()))))  # noqa: T201  # whoever started it reads this
