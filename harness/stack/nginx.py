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
    gunicorn_port: int

    @property
    def url(self) -> str:
        """Where people reach the system."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def status_url(self) -> str:
        """stub_status."""
        return self.url + STATUS_PATH


def _workers(size: StackSize) -> int:
    return max(1, math.ceil(size.cpu_cores))  # what worker_processes auto would be on the stage's server


def configuration_path(server: Nginx) -> Path:
    """Its configuration."""
    return server.folder / "nginx.conf"


def serve(programs: Programs, server: Nginx, size: StackSize, account: Account | None) -> Command:
    """Configure and serve it. As root its master opens the logs, and its workers run as the servers' user."""
    text = render(
        "nginx/nginx.conf.j2",
        folder=server.folder,
        error_log=server.logs / "nginx-error.log",
        access_log=server.logs / ACCESS_LOG,
        workers=_workers(size),
        open_files=2 * CONNECTIONS,
        connections=CONNECTIONS,
        user=account.name if account else "",
        group=_group(account) if account else "",
        largest_upload=LARGEST_UPLOAD,
        address=LOOPBACK,
        port=server.port,
        gunicorn_address=LOOPBACK,
        gunicorn_port=server.gunicorn_port,
        status_path=STATUS_PATH,
        compression=size.compression,
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


def read_back(programs: Programs, server: Nginx, size: StackSize, pid: int) -> tuple[ReadBack, ...]:
    """Count its workers."""
    version = subprocess.run((programs.nginx, "-v"), capture_output=True, text=True, check=True, timeout=5).stderr
    return (
        compare("nginx", "worker_processes", _workers(size), len(children_of(pid))),
        recorded("nginx", "worker_connections", CONNECTIONS, note="as configured"),
        recorded("nginx", "version", version.strip().rpartition("nginx/")[2]),
    )
