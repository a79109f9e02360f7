"""One server in this process, on loopback, until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from harness.errors import ConfigError
from harness.oracle.kinds import Kind
from harness.oracle.log import Log
from harness.oracle.metrics import Lie, Meter
from harness.oracle.site import Site, new_event_loop

LOOPBACK = "127.0.0.1"
BACKLOG = 4096
FLUSH_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What to serve. port 0: a free one. life_seconds: when it ends by itself; None: never.

    ends_with_input: it also ends when its standard input is closed, as by the death of whoever started it.
    """

    kind: Kind
    parameters: Any
    seed: int = 7
    port: int = 0
    log: Path | None = None
    lie: Lie = field(default_factory=Lie)
    life_seconds: float | None = None
    ends_with_input: bool = False


def serve(spec: Spec, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or the end of its life; ``ready`` is told the URL. Raises ConfigError."""
    listener = _listen(spec.port)
    try:
        log = Log(spec.log)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the log cannot be written: {error.strerror}", f"--log {spec.log}", "name a file in a folder that exists"
        ) from error
    # A client that breaks off is no news, and the requests themselves are in the log.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(spec, listener, log, ready))


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise ConfigError(
            f"port {port} cannot be had: {why}", "--port", "leave --port out, and a free one is taken"
        ) from error
    return listener


async def _serve(spec: Spec, listener: socket.socket, log: Log, ready: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    if spec.ends_with_input:
        loop.add_reader(sys.stdin.fileno(), _watch_input, stopped)
    site = Site(log, Meter(spec.lie))
    app = web.Application(client_max_size=64 * 1024 * 1024)
    site.tell(app)
    spec.kind.serve(app, spec.parameters, Random(spec.seed), site)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_KEEP_ALIVE_SECONDS, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    ready(f"http://{LOOPBACK}:{listener.getsockname()[1]}")
    flusher = loop.create_task(_flush(log))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), spec.life_seconds)
    finally:
        flusher.cancel()
        await runner.cleanup()
        log.close()


async def _flush(log: Log) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        log.flush()


def _watch_input(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stopped.set()
