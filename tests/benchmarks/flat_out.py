"""Closed loops, flat out: how much a contestant on one core gets through, by the server's own count."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.samples import RequestRow
from harness.store.jsonl import read_lines
from harness.store.layout import RunDirectory
from tests.benchmarks.artillery_script import script
from tests.benchmarks.peers import NODE_FOLDER, peer
from tests.benchmarks.processes import BenchError, program, until
from tests.benchmarks.servers import Server, nginx, python_server, socket_io
from tests.benchmarks.setting import Setting

PROGRAMS = Path(__file__).parent / "programs"
USERS = 50
SOCKETS = 200
UPLOAD_BYTES = 5_000_000
UPLOAD_USERS = 4
_BEGIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What the server counted in a second, and in a second of the contestant's CPU time."""

    per_second: float
    per_cpu_second: float


def flat_out(
    setting: Setting, server: Server, name: str, command: Sequence[str | Path], environment: Mapping[str, str]
) -> Rate:
    """Start the contestant, wait until the server counts, warm up, measure, end it. Raises BenchError."""
    log = setting.path(f"{name}.log")
    began_with = server.counted()
    with program(command, setting.generator_core, log, environment) as contestant:
        # The counting itself asks the server a few times a second; a load asks hundreds.
        until(lambda: server.counted() - began_with > 200, _BEGIN_SECONDS, contestant)
        time.sleep(setting.warm_seconds)
        counted, cpu, at = server.counted(), contestant.cpu_seconds(), time.monotonic()
        time.sleep(setting.seconds)
        counted = server.counted() - counted
        cpu, elapsed = contestant.cpu_seconds() - cpu, time.monotonic() - at
        contestant.require_alive()
    if counted <= 0:
        raise BenchError(f"nothing came in {elapsed:.0f} s: {contestant.last_words()}")
    return Rate(counted / elapsed, counted / max(cpu, 0.01))


def locust_command(locustfile: str, url: str, users: int, *classes: str) -> list[str | Path]:
    """A headless Locust with all of its users at once."""
    return [
        *(sys.executable, "-m", "locust", "-f", PROGRAMS / locustfile, "--headless", "--host", url),
        *("-u", str(users), "-r", str(users), "--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"),
        *classes,
    ]


def ours(
    setting: Setting,
    server: Server,
    what: str,
    users: int,
    *,
    locustfile: str = "ours.py",
    environment: Mapping[str, str] | None = None,
) -> Rate:
    """Our users, and the proof that all of it was recorded: at least as many good rows as the server counted."""
    run = setting.path(f"run-{what}")
    before = server.counted()
    command = locust_command(locustfile, server.url, users, what)
    rate = flat_out(setting, server, what, command, {"BENCH_RUN": str(run), **(environment or {})})
    rows = list(read_lines(RunDirectory(run).requests, RequestRow))
    good, bad = sum(row.completed for row in rows), sum(row.errors for row in rows)
    if bad > users:  # those in flight at the end are cut off
        raise BenchError(f"{bad} of {good + bad} requests failed: {rows[-1].error_kinds}")
    unit = UPLOAD_BYTES if what == "Upload" else 1
    recorded, counted = good * unit, server.counted() - before
    if recorded < 0.97 * (counted - 2 * users * unit):
        raise BenchError(f"{recorded:.0f} recorded, but the server counted {counted:.0f}")
    return rate


def k6_command(script_name: str) -> list[str | Path]:
    """Raises BenchError when k6 is missing."""
    path = peer("k6").path
    if path is None:
        raise BenchError("missing")
    return [path, "run", "--quiet", "--no-usage-report", PROGRAMS / script_name]


def _k6(setting: Setting, server: Server, what: str, path: str, users: int, **more: str) -> Rate:
    environment = {
        "BENCH_URL": server.url + path,
        "BENCH_WHAT": what,
        "BENCH_USERS": str(users),
        **{f"BENCH_{name.upper()}": value for name, value in more.items()},
    }
    return flat_out(setting, server, "k6", k6_command("closed.k6.js"), environment)


# GET


def get_ours(setting: Setting) -> float:
    """Our users, 50 of them."""
    with nginx(setting) as server:
        return ours(setting, server, "Get", USERS).per_second


def get_k6(setting: Setting) -> float:
    """k6, 50 virtual users."""
    with nginx(setting) as server:
        return _k6(setting, server, "get", "/", USERS).per_second


def get_stock(setting: Setting) -> float:
    """Locust's FastHttpUser, 50 of them."""
    with nginx(setting) as server:
        command = locust_command("stock.py", server.url, USERS)
        return flat_out(setting, server, "stock", command, {}).per_second


def get_wrk(setting: Setting) -> float:
    """wrk, one thread and 50 connections."""
    with nginx(setting) as server:
        path = peer("wrk").path
        if path is None:
            raise BenchError("missing")
        command: list[str | Path] = [path, "-t1", f"-c{USERS}", "-d600s", server.url + "/"]
        return flat_out(setting, server, "wrk", command, {}).per_second


def get_ab(setting: Setting) -> float:
    """ab, 50 connections kept alive."""
    with nginx(setting) as server:
        path = peer("ab").path
        if path is None:
            raise BenchError("missing")
        command: list[str | Path] = [path, "-k", "-q", f"-c{USERS}", "-t600", "-n5000000", server.url + "/"]
        return flat_out(setting, server, "ab", command, {}).per_second


# POST


def post_ours(setting: Setting) -> float:
    """Our users: JSON out, 1 KB of JSON back, parsed and checked."""
    with nginx(setting) as server:
        return ours(setting, server, "Post", USERS).per_second


def post_k6(setting: Setting) -> float:
    """k6: the same."""
    with nginx(setting) as server:
        return _k6(setting, server, "post", "/json", USERS).per_second


# Uploads, in megabytes for each second of the contestant's CPU: the server may be the slower one of the two.


def upload_file(setting: Setting) -> Path:
    """The 5 MB that are uploaded."""
    path = setting.folder / "clip.mp4"
    if not path.exists():
        path.write_bytes(bytes(range(250)) * (UPLOAD_BYTES // 250))
    return path


def upload_ours(setting: Setting) -> float:
    """Our users, four of them."""
    with python_server(setting, "sink") as server:
        environment = {"BENCH_FILE": str(upload_file(setting))}
        return ours(setting, server, "Upload", UPLOAD_USERS, environment=environment).per_cpu_second / 1e6


def upload_k6(setting: Setting) -> float:
    """k6, four virtual users."""
    with python_server(setting, "sink") as server:
        file = str(upload_file(setting))
        return _k6(setting, server, "upload", "/upload", UPLOAD_USERS, file=file).per_cpu_second / 1e6


# Socket.IO. On each connection one message is under way; the next follows its acknowledgement.


def echo_ours(setting: Setting) -> float:
    """Our client in 200 Locust users."""
    with python_server(setting, "acknowledge") as server:
        return _echo_ours(setting, server)


def echo_ours_on_node(setting: Setting) -> float:
    """The same on socket.io's own server."""
    with socket_io(setting, NODE_FOLDER) as server:
        return _echo_ours(setting, server)


def _echo_ours(setting: Setting, server: Server) -> float:
    return ours(setting, server, "Echo", SOCKETS, locustfile="ours_sockets.py").per_second


def echo_artillery(setting: Setting) -> float:
    """artillery, 200 virtual users."""
    with python_server(setting, "acknowledge") as server:
        return _echo_artillery(setting, server)


def echo_artillery_on_node(setting: Setting) -> float:
    """The same on socket.io's own server."""
    with socket_io(setting, NODE_FOLDER) as server:
        return _echo_artillery(setting, server)


def _echo_artillery(setting: Setting, server: Server) -> float:
    path = peer("artillery").path
    if path is None:
        raise BenchError("missing")
    described = setting.path("artillery.json")
    described.write_text(script(server.url, SOCKETS))
    quiet = {"ARTILLERY_DISABLE_TELEMETRY": "true"}
    return flat_out(setting, server, "artillery", [path, "run", "--quiet", described], quiet).per_second


def news_ours(setting: Setting) -> float:
    """Our client in 200 Locust users, each broadcast recorded."""
    with socket_io(setting, NODE_FOLDER) as server:
        return ours(setting, server, "Listen", SOCKETS, locustfile="ours_sockets.py").per_second


def news_python(setting: Setting) -> float:
    """python-socketio's client under gevent, 200 connections, nothing recorded."""
    with socket_io(setting, NODE_FOLDER) as server:
        command: list[str | Path] = [sys.executable, PROGRAMS / "pysocketio.py", server.url, str(SOCKETS)]
        return flat_out(setting, server, "python-socketio", command, {}).per_second
