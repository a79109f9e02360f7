"""nginx in front of everything, as people reach the system."""

from __future__ import annotations

import http.client
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.stack.account import Account
from harness.stack.ports import LOOPBACK
from harness.stack.proc import children_of
from harness.stack.processes import Command
from harness.stack.programs import Programs
from harness.stack.readback import compare, recorded
from harness.stack.render import render
from harness.store.read import SAMPLER_USER_AGENT

STATUS_PATH = "/proofload-nginx-status"
ACCESS_LOG = "nginx-access.jsonl"
LARGEST_UPLOAD = "512m"
CONNECTIONS = 8192
"""For each worker: a held socket takes two, and 3x stage C's peak holds 7,425."""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where it lies and listens."""

    folder: Path
    logs: Path
    port: int
    gunicorn_ports: tuple[int, ...]

    @property
    def url(self) -> str:
        """Where people reach the system."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def status_url(self) -> str:
        """stub_status."""
        return self.url + STATUS_PATH


def workers_of(size: StackSize) -> int:
    """What worker_processes auto would be on the stage's server."""
    return max(1, math.ceil(size.cpu_cores))


def configuration_path(server: Nginx) -> Path:
    """Its configuration."""
    return server.folder / "nginx.conf"


def configuration(
    size: StackSize,
    *,
    folder: str,
    logs: str,
    address: str,
    port: int,
    gunicorn: tuple[tuple[str, int], ...],
    user: str = "",
    may_look: tuple[str, ...] = (LOOPBACK,),
) -> str:
    """nginx.conf. folder: for what nginx itself keeps. gunicorn: the application servers, over which it balances, as
    over the addresses of a name that has several. user: user and group of the workers, "" where nginx is not started as
    root. may_look: who gets its status."""
    return render(
        "nginx/nginx.conf.j2",
        folder=folder,
        error_log=f"{logs}/nginx-error.log",
        access_log=f"{logs}/{ACCESS_LOG}",
        workers=workers_of(size),
        open_files=2 * CONNECTIONS,
        connections=CONNECTIONS,
        user=user,
        largest_upload=LARGEST_UPLOAD,
        address=address,
        port=port,
        gunicorn=gunicorn,
        status_path=STATUS_PATH,
        may_look=may_look,
        compression=size.compression,
    )


def serve(programs: Programs, server: Nginx, size: StackSize, account: Account | None) -> Command:
    """Configure and serve it. As root its master opens the logs, and its workers run as the servers' user."""
    text = configuration(
        size,
        folder=str(server.folder),
        logs=str(server.logs),
        address=LOOPBACK,
        port=server.port,
        gunicorn=tuple((LOOPBACK, gunicorn) for gunicorn in server.gunicorn_ports),
        user=f"{account.name} {_group(account)}" if account else "",
    )
    configuration_path(server).write_text(text, encoding="utf-8")
    argv = (str(programs.nginx), "-e", str(server.logs / "nginx-error.log"), "-c", str(configuration_path(server)))
    return Command("nginx", argv, cwd=server.folder, as_account=False)


def _group(account: Account) -> str:
    import grp

    return grp.getgrgid(account.gid).gr_name


def get(port: int, path: str, timeout_seconds: float = 5.0) -> tuple[int, str] | None:
    """Status and body of a GET that names itself the harness's; None when nobody answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_seconds)
    try:
        connection.request("GET", path, headers={"User-Agent": SAMPLER_USER_AGENT})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers(server: Nginx) -> bool:
    """Whether its status page answers."""
    reply = get(server.port, STATUS_PATH)
    return reply is not None and reply[0] == 200 and reply[1].startswith("Active connections")


def version_of(programs: Programs) -> str:
    """What ``nginx -v`` says."""
    return subprocess.run((programs.nginx, "-v"), capture_output=True, text=True, check=True, timeout=5).stderr


def read_back(version: str, size: StackSize, pid: int) -> tuple[ReadBack, ...]:
    """Count its workers. version: what ``nginx -v`` says."""
    return (
        compare("nginx", "worker_processes", workers_of(size), len(children_of(pid))),
        recorded("nginx", "worker_connections", CONNECTIONS, note="as configured"),
        recorded("nginx", "version", version.strip().rpartition("nginx/")[2]),
    )
