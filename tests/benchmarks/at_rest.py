"""Memory of what does nothing: so many users or connections more, so many bytes more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.flat_out import locust_command
from tests.benchmarks.peers import NODE_FOLDER
from tests.benchmarks.processes import Program, program, until
from tests.benchmarks.servers import nginx, socket_io
from tests.benchmarks.setting import Setting

_ARRIVE_SECONDS = 120.0
_SETTLE_SECONDS = 2.0


def bytes_each(few: int, many: int, resident_bytes: Callable[[int], int]) -> float:
    """The slope between a few of them and many, which leaves out what the program itself takes."""
    return (resident_bytes(many) - resident_bytes(few)) / (many - few)


def _resident(setting: Setting, command: Sequence[str | Path], count: int, *, connected: bool = True) -> int:
    """Of the program, once it has so many connections or users, and has come to rest."""
    log, ready = setting.path("rest.log"), setting.path("ready")
    told = {
        "BENCH_RUN": str(setting.path("run-rest")),
        "BENCH_READY": str(ready),
        "BENCH_ASKS": "1" if connected else "",
    }
    with program(command, setting.generator_core, log, told) as running:
        until(lambda: _connections(running) >= count if connected else ready.exists(), _ARRIVE_SECONDS, running)
        time.sleep(_SETTLE_SECONDS)
        running.require_alive()
        return running.resident_bytes()


def _connections(running: Program) -> int:
    """How many descriptors of the program are sockets."""
    found = 0
    for link in Path(f"/proc/{running.pid}/fd").iterdir():
        try:
            found += str(link.readlink()).startswith("socket:")
        except OSError:  # closed meanwhile
            continue
    return found


def http_users(setting: Setting, locustfile: str, *classes: str, connected: bool) -> float:
    """KB for each idle HTTP user; connected: it has asked once, and kept its connection."""
    few, many = (20, 100) if setting.small else (500, 10_000)
    with nginx(setting) as server:

        def resident_bytes(users: int) -> int:
            command = locust_command(locustfile, server.url, users, *classes)
            return _resident(setting, command, users, connected=connected)

        return bytes_each(few, many, resident_bytes) / 1e3


def http_ours(setting: Setting) -> float:
    """Our users."""
    return http_users(setting, "ours.py", "Idle", connected=False)


def http_stock(setting: Setting) -> float:
    """Locust's FastHttpUser."""
    return http_users(setting, "stock_idle.py", connected=False)


def connected_ours(setting: Setting) -> float:
    """Our users, with their connections."""
    return http_users(setting, "ours.py", "Idle", connected=True)


def connected_stock(setting: Setting) -> float:
    """Locust's FastHttpUser, with its connections."""
    return http_users(setting, "stock_idle.py", connected=True)


def sockets_ours(setting: Setting) -> float:
    """KB for each connected Socket.IO client in its Locust user."""
    few, many = (20, 100) if setting.small else (500, 5_000)
    with socket_io(setting, NODE_FOLDER) as server:
        return (
            bytes_each(
                few,
                many,
                lambda users: _resident(setting, locust_command("ours_sockets.py", server.url, users, "Rest"), users),
            )
            / 1e3
        )
