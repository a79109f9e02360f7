"""Redis: Celery's broker and Socket.IO's message queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import redis

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.stack.account import Account, write_private
from harness.stack.ports import LOOPBACK
from harness.stack.processes import Command
from harness.stack.programs import Programs
from harness.stack.readback import compare, recorded
from harness.stack.render import render


@dataclass(frozen=True, slots=True)
class Redis:
    """Where it lies and listens, and its password."""

    folder: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """For clients."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"


def serve(programs: Programs, server: Redis, size: StackSize, account: Account | None) -> Command:
    """Configure and serve it."""
    text = configuration(size, address=LOOPBACK, port=server.port, folder=str(server.folder), password=server.password)
    path = write_private(server.folder / "redis.conf", text, account)
    return Command("redis", (str(programs.redis_server), str(path)), cwd=server.folder, backing=True)


def configuration(size: StackSize, *, address: str, port: int, folder: str, password: str) -> str:
    """redis.conf with the stage's sizes. password: "" leaves it to whoever starts the server."""
    return render(
        "redis/redis.conf.j2",
        address=address,
        port=port,
        password=password,
        folder=folder,
        maxmemory_bytes=size.redis_maxmemory_bytes or 0,
        policy=_policy(size),
    )


def _policy(size: StackSize) -> str:
    """Where a plan evicts, only keys that expire: tasks that wait in the same Redis are none of the cache."""
    return "volatile-lru" if size.redis_evicts else "noeviction"


def _client(server: Redis) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)


def answers(server: Redis) -> bool:
    """Whether it takes commands."""
    try:
        with _client(server) as client:
            return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def read_back(server: Redis, size: StackSize, address: str = LOOPBACK) -> tuple[ReadBack, ...]:
    """Ask the running server. address: that it is to listen on."""
    with _client(server) as client:
        settings: dict[str, str] = client.config_get("maxmemory", "maxmemory-policy", "save", "appendonly", "bind")
        version = client.info("server")["redis_version"]
    limit = int(settings["maxmemory"])
    return (
        compare("redis", "maxmemory", size.redis_maxmemory_bytes, limit, unit="bytes")
        if size.redis_maxmemory_bytes
        else recorded("redis", "maxmemory", "no limit of its own" if limit == 0 else str(limit)),
        compare("redis", "maxmemory-policy", _policy(size), settings["maxmemory-policy"]),
        compare("redis", "bind", address, settings["bind"]),
        recorded("redis", "persistence", f"save “{settings['save']}”, appendonly {settings['appendonly']}"),
        recorded("redis", "redis_version", version),
    )
