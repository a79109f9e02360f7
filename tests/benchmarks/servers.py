"""The servers that generators are measured on: on loopback, on a free port, on the servers' core."""

from __future__ import annotations

import json
import re
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.stack.ports import free_ports
from tests.benchmarks.processes import BenchError, Program, program, until
from tests.benchmarks.setting import Setting

HERE = Path(__file__).parent
NGINX_BODY = '{"id": 1, "name": "proofload", "status": "ok", "n": 12}'  # 55 bytes
POST_ANSWER = json.dumps({"ok": True, "id": 7, "text": "x" * 990})
_START_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """counted: how many requests, bytes or messages it has served so far, by its own count: the referee that is the
    same for every contestant."""

    port: int
    counted: Callable[[], float]
    program: Program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _answer(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        text: str = response.read().decode()
        return text


def _count(url: str) -> float:
    """Raises BenchError: a server that is too busy to tell is a reading that failed, not the end of the bench."""
    try:
        return float(_answer(url))
    except OSError as error:
        raise BenchError(f"the server does not tell what it counted: {error}") from error


def _is_up(url: str) -> bool:
    try:
        _answer(url)
    except OSError:
        return False
    return True


_NGINX = """
daemon off; master_process off; worker_rlimit_nofile 65536;
pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 32000; multi_accept on; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_timeout 600; keepalive_requests 1000000000; default_type application/json;
  split_clients "${{connection}}-${{connection_requests}}-${{msec}}" $sampled {{ 2% 1; * 0; }}
  log_format times '$request_time';
  access_log {log};
  server {{
    listen 127.0.0.1:{port} backlog=16384;
    location / {{ return 200 '{body}'; }}
    location = /json {{ return 200 '{answer}'; }}
    location = /counted {{ access_log off; stub_status; }}
  }}
}}
"""


@contextmanager
def nginx(setting: Setting, times: Path | None = None) -> Iterator[Server]:
    """One worker: 55 bytes of JSON to a GET, 1 KB to a POST at /json. times: a file for every fiftieth request's
    duration as nginx saw it, in whole milliseconds."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if binary is None:
        raise BenchError("nginx is missing: apt-get install nginx-light")
    folder = setting.path("nginx")
    folder.mkdir()
    port = free_ports(1)[0]
    log = "off" if times is None else f"{times} times buffer=64k flush=1s if=$sampled"
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, body=NGINX_BODY, answer=POST_ANSWER, log=log))
    with program([binary, "-c", config, "-p", folder], setting.server_core, folder / "out.log") as running:
        url = f"http://127.0.0.1:{port}/counted"
        until(lambda: _is_up(url), _START_SECONDS, running)

        def counted() -> float:
            figures = re.findall(r"\d+", _answer(url))
            return float(figures[3])

        yield Server(port, counted, running)


@contextmanager
def python_server(setting: Setting, name: str) -> Iterator[Server]:
    """One of the bench's own small servers (programs/NAME.py PORT), which tells its count at /counted."""
    command: list[str | Path] = [sys.executable, HERE / "programs" / f"{name}.py"]
    with _counting(setting, command, name) as server:
        yield server


@contextmanager
def socket_io(setting: Setting, folder: Path) -> Iterator[Server]:
    """The reference Socket.IO server on Node: echoes with an acknowledgement, broadcasts in rounds. folder: where npm
    has put socket.io."""
    command: list[str | Path] = ["node", HERE / "programs" / "socket_server.cjs", folder / "node_modules"]
    with _counting(setting, command, "socket-server") as server:
        yield server


@contextmanager
def _counting(setting: Setting, command: list[str | Path], name: str) -> Iterator[Server]:
    port = free_ports(1)[0]
    with program([*command, str(port)], setting.server_core, setting.path(f"{name}.log")) as running:
        url = f"http://127.0.0.1:{port}/counted"
        until(lambda: _is_up(url), _START_SECONDS, running)
        yield Server(port, lambda: _count(url), running)
