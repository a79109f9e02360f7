"""The reference application as it runs in a stage: its own PostgreSQL, Redis, two gunicorn workers and Celery."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from harness.stack.appenv import application_python
from harness.stack.ports import free_ports

APP = Path(__file__).parents[2] / "docker" / "app"
PYTHON = str(application_python())
TEACHERS, STUDENTS = 300, 3000


def people(teachers: int, students: int) -> tuple[str, ...]:
    """The seed's arguments."""
    return "--people", f"teachers={teachers}", "--people", f"students={students}"


def until(happened: Callable[[], Any], seconds: float = 15) -> Any:
    """What ``happened`` returns once it is true; fails the test when that takes too long."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := happened()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {happened}"
        pause.wait(0.05)
    return value


def listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child process in a group of its own; asked to end, and killed when it does not."""
    with log.open("ab") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL and PgBouncer refuse to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


class Postgres:
    """A server of its own in ``folder``, trusting everyone on the loopback."""

    def __init__(self, folder: Path) -> None:
        self.programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.data = folder / "postgres"
        self.port = free_ports(1)[0]
        self.url = f"postgresql://lectio@127.0.0.1:{self.port}/postgres"
        self.data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.data, "postgres", "postgres")
        self._run("initdb", "-U", "lectio", "--auth=trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.data / "log"), "-o", settings, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "fast", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = as_postgres([str(self.programs / program), "-D", str(self.data), *arguments])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@dataclass
class Stack:
    """What runs, and how to speak with it."""

    folder: Path
    postgres: Postgres
    redis_port: int
    environment: dict[str, str]
    url: str = ""
    seed_seconds: float = 0
    tokens: dict[str, str] = field(default_factory=dict)

    def python(self, *arguments: str, **environment: str) -> None:
        """Run one of the application's commands to its end."""
        surroundings = self.environment | environment
        subprocess.run([PYTHON, *arguments], cwd=APP, env=surroundings, check=True, capture_output=True)

    @contextmanager
    def redis(self) -> Iterator[None]:
        port = str(self.redis_port)
        command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        with process(command, self.folder / "redis.log"):
            until(lambda: listening(self.redis_port))
            yield

    @contextmanager
    def web(self, *arguments: str, workers: int = 1, **environment: str) -> Iterator[str]:
        """gunicorn on a port of its own; its address, once all workers are up."""
        port = free_ports(1)[0]
        name = f"web-{port}"
        metrics = self.folder / f"metrics-{port}"
        metrics.mkdir()
        command = [PYTHON, "-m", "gunicorn", "refapp.wsgi:app", "-c", "gunicorn_conf.py", "-b", f"127.0.0.1:{port}"]
        surroundings = self.environment | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)} | environment
        log = self.folder / f"{name}.log"
        with process([*command, "-w", str(workers), *arguments], log, cwd=APP, env=surroundings):
            # A worker writes its event loop's lag as soon as it has imported the application.
            until(lambda: len(list(metrics.glob("gauge_liveall_*.db"))) == workers)
            yield f"http://127.0.0.1:{port}"

    @contextmanager
    def tasks(self, queue: str = "default", **environment: str) -> Iterator[None]:
        """A Celery worker for the queue."""
        command = [PYTHON, "-m", "celery", "-A", "refapp.tasks", "worker", "-Q", queue, "-c", "1", "-n", queue]
        command += ["--without-gossip", "--without-mingle", "-l", "INFO"]
        log = self.folder / f"tasks-{queue}.log"
        with process(command, log, cwd=APP, env=self.environment | environment):
            yield

    def token(self, name: str) -> str:
        """The token of ``teacher1``, ``student1``…"""
        if name not in self.tokens:
            product = self.environment["PRODUCT"]
            body = {"email": f"{name}@{product}.test", "password": product}
            self.tokens[name] = requests.post(f"{self.url}/login", json=body, timeout=10).json()["token"]
        return self.tokens[name]

    def call(self, method: str, path: str, user: str | None = None, **options: Any) -> requests.Response:
        """One request, on a connection of its own so that either worker may get it."""
        headers = {"Connection": "close"} | ({"Authorization": f"Bearer {self.token(user)}"} if user else {})
        return requests.request(method, options.pop("url", self.url) + path, headers=headers, timeout=15, **options)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()


@contextmanager
def running_stack(
    product: str = "lectio", audience: tuple[str, ...] = people(TEACHERS, STUDENTS), **settings: str
) -> Iterator[Stack]:
    """Everything, seeded to the audience; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="refapp-"))
    folder.chmod(0o755)
    (folder / "uploads").mkdir()
    with ExitStack() as started:
        started.callback(shutil.rmtree, folder)
        postgres, redis_port = Postgres(folder), free_ports(1)[0]
        environment = os.environ | {
            "DATABASE_URL": postgres.url.replace("postgresql:", "postgresql+psycopg:"),
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SECRET_KEY": "a secret of this test",
            "UPLOAD_DIR": str(folder / "uploads"),
            "MAX_UPLOAD_BYTES": str(4 * 1024 * 1024),
            "PRODUCT": product,
            **settings,
        }
        made = Stack(folder, postgres, redis_port, environment)
        postgres.start()
        started.callback(postgres.stop)
        started.enter_context(made.redis())
        made.python("-m", "refapp.schema")
        before = time.monotonic()
        made.python("-m", "refapp.seed", *audience, "--seed", "7")
        made.seed_seconds = time.monotonic() - before
        made.url = started.enter_context(made.web(workers=2))
        started.enter_context(made.tasks())
        yield made
