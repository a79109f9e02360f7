"""The reference application as it runs in a stage: its own PostgreSQL, Redis, two gunicorn workers and Celery."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

APP = Path(__file__).parents[2] / "docker" / "app"
PYTHON = os.environ.get("REFAPP_PYTHON", sys.executable)
TEACHERS, STUDENTS = 300, 3000


def until(happened: Callable[[], Any], seconds: float = 15) -> Any:
    """What ``happened`` returns once it is true; fails the test when that takes too long."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := happened()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {happened}"
        pause.wait(0.05)
    return value


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


@dataclass
class Stack:
    """Addresses of what runs."""

    folder: Path
    url: str
    database: str
    environment: dict[str, str]
    seed_seconds: float
    tokens: dict[str, str] = field(default_factory=dict)

    def python(self, *arguments: str) -> None:
        """Run one of the application's commands to its end."""
        subprocess.run([PYTHON, *arguments], cwd=APP, env=self.environment, check=True, capture_output=True)

    def token(self, name: str) -> str:
        """The token of ``teacher1``, ``student1``…"""
        if name not in self.tokens:
            body = {"email": f"{name}@lectio.test", "password": "lectio"}
            self.tokens[name] = requests.post(f"{self.url}/login", json=body, timeout=10).json()["token"]
        return self.tokens[name]

    def call(self, method: str, path: str, user: str | None = None, **options: Any) -> requests.Response:
        """One request, on a connection of its own so that either worker may get it."""
        headers = {"Connection": "close"} | ({"Authorization": f"Bearer {self.token(user)}"} if user else {})
        return requests.request(method, self.url + path, headers=headers, timeout=15, **options)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database says."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@contextmanager
def _postgres(folder: Path, port: int) -> Iterator[None]:
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    data = folder / "postgres"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "postgres", "postgres")
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "lectio", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(_as_postgres(initdb), check=True, capture_output=True, cwd="/")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=50 -c fsync=off"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "fast"]
    start = [*control, "-l", str(data / "log"), "-o", options, "start"]
    subprocess.run(_as_postgres(start), check=True, stdout=subprocess.DEVNULL, cwd="/")
    try:
        yield
    finally:
        subprocess.run(_as_postgres([*control, "stop"]), check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="refapp-"))
    folder.chmod(0o755)
    for name in ("metrics", "uploads"):
        (folder / name).mkdir()
    postgres, redis, web = free_port(), free_port(), free_port()
    database = f"postgresql://lectio@127.0.0.1:{postgres}/postgres"
    environment = os.environ | {
        "DATABASE_URL": database.replace("postgresql:", "postgresql+psycopg:"),
        "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "SECRET_KEY": "a secret of this test",
        "UPLOAD_DIR": str(folder / "uploads"),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "MAX_UPLOAD_BYTES": str(4 * 1024 * 1024),
    }
    redis_command = ["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    web_command = [PYTHON, "-m", "gunicorn", "refapp.wsgi:app", "-c", "gunicorn_conf.py", "-w", "2"]
    web_command += ["-b", f"127.0.0.1:{web}"]
    tasks_command = [PYTHON, "-m", "celery", "-A", "refapp.tasks", "worker", "-Q", "default", "-c", "1"]
    tasks_command += ["--without-gossip", "--without-mingle", "-l", "INFO"]
    here: dict[str, Any] = {"cwd": APP, "env": environment}
    with ExitStack() as started:
        started.callback(shutil.rmtree, folder)
        started.enter_context(_postgres(folder, postgres))
        started.enter_context(process(redis_command, folder / "redis.log"))
        until(lambda: listening(redis))
        made = Stack(folder, f"http://127.0.0.1:{web}", database, environment, 0)
        made.python("-m", "refapp.schema")
        before = time.monotonic()
        made.python("-m", "refapp.seed", "--teachers", str(TEACHERS), "--students", str(STUDENTS), "--seed", "7")
        made.seed_seconds = time.monotonic() - before
        started.enter_context(process(web_command, folder / "web.log", **here))
        del environment["PROMETHEUS_MULTIPROC_DIR"]  # of the web workers alone
        started.enter_context(process(tasks_command, folder / "tasks.log", **here))
        until(lambda: listening(web))
        until(lambda: (folder / "web.log").read_text().count("Booting worker") == 2)
        yield made
