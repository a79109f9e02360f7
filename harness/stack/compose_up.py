"""The way up of a stack of containers: one server after another, each once those that it needs answer.

The order is that of docker/compose.yaml, the questions are those that the native servers are asked. Waiting for health
checks would mean checks every second, which cost the CPU that is under test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from harness.errors import StackError, StackNotReady
from harness.planning.sizing import workers_of_each_server
from harness.stack import nginx, pgbouncer, postgres, redis, tasks
from harness.stack.compose_containers import Container
from harness.stack.compose_engine import Project, docker, tail, write_log
from harness.stack.compose_render import (
    GUNICORN_PORT,
    NGINX_PORT,
    PGBOUNCER_PORT,
    POSTGRES_PORT,
    REDIS_PORT,
    Rendered,
    pooler,
)
from harness.stack.proc import children_of
from harness.stack.processes import POLL_SECONDS, READY_SECONDS, ready_seconds

SEED_SECONDS = 300.0
LOOK_SECONDS = 0.5
"""From one look at the containers to the next, while waiting for one."""


class WayUp:
    """The way up. database, replica (where there is one), cache: once they answer."""

    def __init__(
        self, project: Project, rendered: Rendered, check: Callable[[], None], report: Callable[[str], None]
    ) -> None:
        self._project = project
        self.rendered = rendered
        self._check = check
        self._report = report
        self.database: postgres.Postgres
        self.replica: postgres.Postgres | None = None
        self.cache: redis.Redis

    def everything(self) -> dict[str, Any]:
        """Start one after another, and return what the Celery workers say of themselves."""
        size, wanted = self.rendered.size, self.rendered.services
        secrets = self.rendered.secrets
        self._report("PostgreSQL and Redis")
        self._up("postgres", "redis")
        port = self._one("postgres").port(POSTGRES_PORT)
        unused = Path("/")
        self.database = postgres.Postgres(unused, port, secrets["postgres-superuser"], secrets["postgres-role"])
        self.cache = redis.Redis(unused, self._one("redis").port(REDIS_PORT), secrets["redis"])
        self._wait(lambda: redis.answers(self.cache), "redis")
        self._wait(lambda: postgres.answers(self.database), "postgres")
        self._report("application: schema and people")
        self._up("setup", *(name for name in ("pgbouncer", "whisper") if name in wanted))
        self._finish("setup", SEED_SECONDS)
        if self.rendered.has_pgbouncer:
            console = pooler(size, self.rendered.budget, self._one("pgbouncer").port(PGBOUNCER_PORT))
            self._wait(lambda: pgbouncer.answers(console, self.database), "pgbouncer")
        if "replica" in wanted:
            self._up("replica")
            follower = replace(self.database, port=self._one("replica").port(POSTGRES_PORT))
            self._wait(lambda: postgres.answers(follower) and postgres.followers(self.database) > 0, "replica")
            self._wait(lambda: postgres.has_caught_up(follower, self.database), "replica")
            self.replica = follower
        self._report("gunicorn, Celery and nginx")
        queues = [worker.name for worker in tasks.workers_of(size)]
        self._up("app", *queues)
        for one in self._all("app"):
            self._wait(
                lambda one=one: _serves(one, workers_of_each_server(size)),  # type: ignore[misc]
                "app",
                ready_seconds(size),
            )
        self._up("nginx")  # last, since it asks once where the application's servers are
        gate = nginx.Nginx(unused, unused, self._one("nginx").port(NGINX_PORT), (GUNICORN_PORT,))
        self._wait(lambda: nginx.answers(gate), "nginx")
        return self._ask_workers(len(queues))

    def _ask_workers(self, count: int) -> dict[str, Any]:
        worker = self._one("celery-default")
        words = ("app-container", "python", "-c", tasks.ASK, str(count), str(READY_SECONDS))
        return tasks.answer_of(docker("exec", worker.id, *words, timeout_seconds=READY_SECONDS + 10))

    def _up(self, *services: str) -> None:
        self._project.compose("up", "--detach", "--no-deps", "--no-build", "--no-recreate", *services)

    def _all(self, service: str) -> list[Container]:
        return [one for one in self._project.containers() if one.service == service]

    def _one(self, service: str) -> Container:
        found = self._all(service)
        if len(found) != 1 or not found[0].running:
            raise self._failure(found, f"{service} ended while it was starting")
        return found[0]

    def _wait(self, ready: Callable[[], bool], service: str, seconds: float = READY_SECONDS) -> None:
        """Poll until it answers. Raises StackNotReady when it ends or takes too long."""
        deadline, look = time.monotonic() + seconds, time.monotonic() + LOOK_SECONDS
        while not ready():
            now = time.monotonic()
            if now >= look:
                found = self._all(service)
                if not all(one.running for one in found):
                    raise self._failure(found, f"{service} ended while it was starting")
                look = now + LOOK_SECONDS
            if now >= deadline:
                raise self._failure(self._all(service), f"{service} did not answer within {seconds:g} s")
            self._check()
            time.sleep(POLL_SECONDS)

    def _finish(self, service: str, timeout_seconds: float) -> None:
        """Wait for a step that ends by itself. Raises StackNotReady when it fails or takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while any(one.running for one in self._all(service)):
            if time.monotonic() >= deadline:
                raise self._failure(self._all(service), f"{service} took longer than {timeout_seconds:g} s")
            self._check()
            time.sleep(LOOK_SECONDS)
        found = self._all(service)
        if any(one.exit_code for one in found):
            raise self._failure(found, f"{service} failed with code {found[0].exit_code}")

    def _failure(self, containers: Iterable[Container], message: str) -> StackNotReady:
        lines: list[str] = []
        for one in containers:
            if not one.running or not lines:
                lines += _last_words(one)
        for secret in self.rendered.secrets.values():
            lines = [line.replace(secret, "…") for line in lines]
        return StackNotReady(message, lines, "its whole log is in the run's folder logs")


def _last_words(container: Container) -> tuple[str, ...]:
    with TemporaryFile() as file:
        write_log(container, file)
        file.seek(0)
        return tail(file.read().decode(errors="replace"))


def _serves(container: Container, workers: int) -> bool:
    """Whether every worker has imported the application, as its files of metrics tell, and the server is ready."""
    if len(children_of(container.pid)) < workers:
        return False
    try:
        names = docker("exec", container.id, "ls", "/run/metrics").split()
    except StackError:
        return False
    if len({name.rpartition("_")[2] for name in names if name.endswith(".db")}) < workers:
        return False
    reply = nginx.get(container.port(GUNICORN_PORT), "/readyz")
    return reply is not None and reply[0] == 200


def only(containers: Iterable[Container], service: str) -> Container:
    """The first container of a service. Raises StackError when there is none."""
    found = next((one for one in containers if one.service == service), None)
    if found is None:
        raise StackError(f"the container of {service} has gone")
    return found
