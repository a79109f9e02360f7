"""The planning figures of docs/scale.md, from what was measured: no figure of the tables is typed by hand.

python -m tests.benchmarks.scale             writes the tables anew, from docs/performance.json and docs/scale.json
python -m tests.benchmarks.scale --measure   measures docs/scale.json first
"""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.store.jsonl import encode
from tests.benchmarks.report import DOCS, number
from tests.loadgen.conftest import make_plan

PAGE, COSTS = DOCS / "scale.md", DOCS / "scale.json"
BEGIN, END = "<!-- figures: python -m tests.benchmarks.scale -->", "<!-- end of figures -->"
RUNS = 5

USED = 0.7
"""Of a core: above 85 % a worker is INVALID, and arrivals come in clusters."""
SESSION_REQUESTS, SESSION_SECONDS = 6, 12.0
"""Of the plans' typical session: six requests with pauses of 2 s."""
REQUEST_BYTES, RESPONSE_BYTES = 1_000, 10_000
"""On the wire, with headers. Assumed: look at yours."""
PORTS = 60_999 - 32_768 + 1
"""Linux's ephemeral ports (net.ipv4.ip_local_port_range): connections of one address to one other address and port."""
SOCKETS_A_WORKER = 20_000
"""Four times what was measured; so much has been planned, not tried."""
PING_SECONDS = 25.0
"""Engine.IO's own: each connection answers a ping that often."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, each of one core. request_rate: held in the open model; message_rate: Socket.IO messages with
    their acknowledgements; the others in bytes and seconds."""

    request_rate: float
    message_rate: float
    connection_bytes: float
    socket_bytes: float
    walk_seconds: float
    merge_seconds: float
    read_seconds: float
    report_bytes: float


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be offered: requests a second in sessions of that many requests."""

    request_rate: float
    session_requests: int

    @property
    def session_rate(self) -> float:
        """Arrivals a second."""
        return self.request_rate / self.session_requests


def workers_for(load: Load, costs: Costs) -> int | None:
    """How many worker cores; None when no number is enough, since each walks the whole schedule.

    A worker's core: (rate ÷ N) ÷ rate of a core + sessions a second × (1 − 1/N) × time to pass one by ≤ 70 %.
    """
    busy, walking = load.request_rate / costs.request_rate, load.session_rate * costs.walk_seconds
    if busy <= USED:
        return 1
    if walking >= USED:
        return None
    return math.ceil((busy - walking) / (USED - walking))


def held_for(load: Load) -> float:
    """Connections that are open at a time: sessions a second × a session's length (Little)."""
    seconds = SESSION_SECONDS * (load.session_requests - 1) / (SESSION_REQUESTS - 1)
    return max(load.session_rate * seconds, load.request_rate * 0.1)


def addresses_for(connections: float) -> int:
    """Source addresses, towards one address and port."""
    return max(1, math.ceil(connections / PORTS))


def costs_of(performance: Mapping[str, Any], own: Mapping[str, Any]) -> Costs:
    """From the two files of readings: medians."""

    def read(group: str) -> float:
        return median(performance["groups"][group]["values"]["proofload"])

    def mine(name: str) -> float:
        return median(own["readings"][name])

    return Costs(
        request_rate=read("open"),
        message_rate=read("echo"),
        connection_bytes=read("connected-memory") * 1000,
        socket_bytes=read("socket-memory") * 1000,
        walk_seconds=mine("walk_seconds"),
        merge_seconds=mine("merge_seconds"),
        read_seconds=mine("read_seconds"),
        report_bytes=mine("report_bytes"),
    )


def figures(costs: Costs, host: str) -> str:
    """The tables, in Markdown."""
    measured = _table(
        ("measured", "figure", "where"),
        [
            ("requests a second that a worker's core holds, open model", number(costs.request_rate), "performance.md"),
            ("Socket.IO messages a second with acknowledgement", number(costs.message_rate), "performance.md"),
            ("memory of an open HTTP connection", f"{number(costs.connection_bytes / 1000)} KB", "performance.md"),
            ("memory of an idle Socket.IO connection", f"{number(costs.socket_bytes / 1000)} KB", "performance.md"),
            ("to pass by an arrival that is another worker's", f"{number(costs.walk_seconds * 1e6)} µs", "scale.json"),
            (
                "to merge a worker's report of a second: the master",
                f"{number(costs.merge_seconds * 1e3)} ms",
                "scale.json",
            ),
            ("to follow it for the live view: the harness", f"{number(costs.read_seconds * 1e3)} ms", "scale.json"),
            (
                "size of such a report (16 rows, 5,000 requests)",
                f"{number(costs.report_bytes / 1000)} KB",
                "scale.json",
            ),
        ],
    )
    loads = [Load(rate, steps) for steps in (SESSION_REQUESTS, 1) for rate in (10e3, 100e3, 1e6)]
    planned = _table(
        (
            "requests/s",
            "requests a session",
            "worker cores",
            "open connections",
            "each worker: descriptors, memory",
            "source addresses",
            "out, in",
            "master + harness",
        ),
        [_line(load, costs) for load in loads],
    )
    sockets = _table(
        ("sockets", "workers", "each: CPU for pings", "each: memory, descriptors", "source addresses"),
        [_sockets(count, costs) for count in (100_000, 1_000_000)],
    )
    return "\n\n".join((f"Measured on {host}.", measured, planned, sockets))


def _line(load: Load, costs: Costs) -> tuple[str, ...]:
    workers, held = workers_for(load, costs), held_for(load)
    walking = load.session_rate * costs.walk_seconds
    head = (f"{load.request_rate:,.0f}", str(load.session_requests))
    traffic = f"{_bits(load.request_rate * REQUEST_BYTES)}, {_bits(load.request_rate * RESPONSE_BYTES)}"
    if workers is None:
        why = (
            f"not this way: passing by {number(load.session_rate)} arrivals/s alone takes {_percent(walking)} of a core"
        )
        return (*head, why, f"{held:,.0f}", "–", str(addresses_for(held)), traffic, "–")
    each = held / workers
    own = f"{each:,.0f}, {number(each * costs.connection_bytes / 1e6)} MB"
    merging = _percent(workers * (costs.merge_seconds + costs.read_seconds))
    master = f"{merging} of a core, {_bits(workers * costs.report_bytes)}"
    return (*head, str(workers), f"{held:,.0f}", own, str(addresses_for(held)), traffic, master)


def _sockets(count: int, costs: Costs) -> tuple[str, ...]:
    workers = math.ceil(count / SOCKETS_A_WORKER)
    pings = count / workers / PING_SECONDS / costs.message_rate
    memory = f"{number(count / workers * costs.socket_bytes / 1e6)} MB, {count // workers:,}"
    return (f"{count:,}", str(workers), f"{_percent(pings)} of a core", memory, str(addresses_for(count)))


def _percent(share: float) -> str:
    return f"{number(share * 100)} %"


def _bits(bytes_per_second: float) -> str:
    bits = bytes_per_second * 8
    return f"{number(bits / 1e9)} Gbit/s" if bits >= 1e9 else f"{number(bits / 1e6)} Mbit/s"


def _table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    rows = [head, tuple("--" for _ in head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_figures(page: str, tables: str) -> str:
    """The page with other tables between its marks. Raises ValueError when they are missing."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def stored() -> tuple[dict[str, Any], dict[str, Any]]:
    """The two files of readings."""
    return json.loads((DOCS / "performance.json").read_text()), json.loads(COSTS.read_text())


def measure() -> None:
    """docs/scale.json, anew."""
    readings: dict[str, list[float]] = {}
    command = (sys.executable, "-m", "tests.benchmarks.programs.distributing")
    for _ in range(RUNS):
        done = subprocess.run(command, input=encode(make_plan()), capture_output=True, check=True)
        for name, value in json.loads(done.stdout).items():
            readings.setdefault(name, []).append(value)
    host = f"Linux {platform.release()}, Python {platform.python_version()}"
    COSTS.write_text(json.dumps({"host": host, "readings": readings}, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """See above."""
    if "--measure" in sys.argv[1:]:
        measure()
    performance, own = stored()
    PAGE.write_text(with_figures(PAGE.read_text(), figures(costs_of(performance, own), own["host"])))


if __name__ == "__main__":
    main()
