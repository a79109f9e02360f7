"""What our generator costs as the work grows: rate, users, endpoints, sockets, duration."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tests.benchmarks.flat_out import locust_command, ours
from tests.benchmarks.open_model import ours_at
from tests.benchmarks.processes import BenchError, program, until
from tests.benchmarks.servers import nginx, python_server
from tests.benchmarks.setting import Setting

RATES = (500, 2_000, 8_000, 16_000)
USERS = (10, 100, 1_000, 5_000)
ENDPOINTS = (1, 10, 100, 1_000)
SOCKETS = (50, 200, 1_000)
DURATIONS = (5, 15, 45)


def cpu_at_rate(setting: Setting, rate: float) -> float:
    """Share of a core in the open model, in percent."""
    with nginx(setting) as server:
        return 100 * ours_at(setting, server.url, rate / 40 if setting.small else rate).cpu_ratio


def requests_with_users(setting: Setting, users: int) -> float:
    """Requests/s in the closed loop."""
    with nginx(setting) as server:
        return ours(setting, server, "Get", min(users, 20) if setting.small else users).per_second


def requests_with_endpoints(setting: Setting, endpoints: int) -> float:
    """Requests/s in the closed loop of 50 users."""
    with nginx(setting) as server:
        return ours(setting, server, "Get", 50, environment={"BENCH_ENDPOINTS": str(endpoints)}).per_second


def messages_with_sockets(setting: Setting, sockets: int) -> float:
    """Acknowledged messages/s."""
    with python_server(setting, "acknowledge") as server:
        count = min(sockets, 20) if setting.small else sockets
        return ours(setting, server, "Echo", count, locustfile="ours_sockets.py").per_second


def memory_after(setting: Setting, seconds: float) -> float:
    """MB in use after so long flat out: it must not grow with the number of requests."""
    patience = replace(setting, seconds=min(seconds, 1.0) if setting.small else seconds)
    with nginx(patience) as server:
        command = locust_command("ours.py", server.url, 50, "Get")
        log = patience.path("duration.log")
        with program(command, patience.generator_core, log, {"BENCH_RUN": str(patience.path("run"))}) as running:
            until(lambda: server.counted() > 200, 60.0, running)
            time.sleep(patience.seconds)
            running.require_alive()
            if (used := running.resident_bytes()) == 0:
                raise BenchError("its memory cannot be read")
            return used / 1e6


def groups(contestant: Callable[..., Any], group: Callable[..., Any]) -> tuple[Any, ...]:
    """A group for each way to grow, whose contestants are the sizes."""
    ways: tuple[tuple[str, str, str, Callable[[Setting, Any], float], tuple[int, ...], str, tuple[str, ...]], ...] = (
        ("grow-rate", "Open model: CPU at a rate", "% of a core", cpu_at_rate, RATES, "/s", ("nginx",)),
        ("grow-users", "Closed loop: users", "requests/s", requests_with_users, USERS, " users", ("nginx",)),
        (
            "grow-endpoints",
            "Closed loop: endpoints",
            "requests/s",
            requests_with_endpoints,
            ENDPOINTS,
            " endpoints",
            ("nginx",),
        ),
        (
            "grow-sockets",
            "Socket.IO: connections",
            "messages/s",
            messages_with_sockets,
            SOCKETS,
            " sockets",
            (),
        ),
        ("grow-duration", "Closed loop: memory after", "MB", memory_after, DURATIONS, " s", ("nginx",)),
    )
    return tuple(
        group(
            name,
            title,
            unit,
            tuple(contestant(f"{size:,}{suffix}", partial(_with, measure, size), needs) for size in sizes),
        )
        for name, title, unit, measure, sizes, suffix, needs in ways
    )


def _with(measure: Callable[[Setting, Any], float], size: int, setting: Setting) -> float:
    return measure(setting, size)
