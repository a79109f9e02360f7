"""A locustfile that moved over by its base class, in the locust command."""

from __future__ import annotations

import json
import os
import subprocess
import threading

import pytest

from tests.loadgen.conftest import ROOT, locust_command
from tests.loadgen.scripted_server import answer, read_request, serving


def echo(connection) -> None:
    while True:
        line, fields, body = read_request(connection)
        if not line:
            return
        method, path, _ = line.split(" ")
        if path == "/gone":
            return
        if path == "/slow":
            threading.Event().wait(1)
        if path.startswith("/status/"):
            reply = answer(b"so it is", f"{path[-3:]} Said")
        elif path == "/redirect":
            reply = answer(b"", "302 Found", "Location: /echo")
        elif path == "/lines":
            reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n8\r\nwo\nthree\r\n0\r\n\r\n"
        else:
            told = {"method": method, "path": path, "headers": fields, "body": body.decode()}
            reply = answer(json.dumps(told).encode(), "200 OK", "Set-Cookie: session=1; Path=/")
            if method == "HEAD":
                reply = reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        connection.sendall(reply)


def run(server, locustfile, tmp_path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PROOFLOAD_RUN"}
    return subprocess.run(
        [*locust_command(server.port, str(locustfile)), "-u", "1", "-r", "1", "-t", "20s", *arguments],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT), "SEEN": str(tmp_path / "seen.json")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_locustfile_moves_over_by_its_base_class(tmp_path):
    with serving(echo) as server:
        done = run(server, "tests/loadgen/moved_locustfile.py", tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    seen = json.loads((tmp_path / "seen.json").read_text())
    by_name = {name: (kind, exception) for kind, name, _, exception, _ in seen}
    assert by_name["sign in"] == ("POST", "")
    assert by_name["said to be good"] == ("GET", "")
    assert by_name["said to be bad"] == ("GET", "not what was asked for")
    assert by_name["renamed later"] == ("GET", "HTTP 404")
    assert by_name["renamed"] == ("GET", "")
    assert by_name["/gone"] == ("GET", "connection closed")
    assert by_name["/slow"] == ("GET", "timeout")
    assert by_name["a whole address"] == ("GET", "")
    refused = [(name, text) for kind, name, _, text, _ in seen if kind == "refused"]
    assert [name for name, _ in refused] == ["ConfigError", "TypeError"]
    assert "other_hosts" in refused[0][0] + refused[0][1] or "another host" in refused[0][1]
    assert "locust.FastHttpUser" in refused[1][1]
    assert all(context == {"who": "visitor"} for kind, *_, context in seen if kind != "refused")


@pytest.mark.parametrize("setting", ["proxy_host = 'proxy'", "proxy_port = 3128"])
def test_what_it_has_not_it_says(tmp_path, setting):
    locustfile = tmp_path / "proxied.py"
    locustfile.write_text(
        "from locust import task\n"
        "from harness.loadgen.locust_user import FasterHttpUser\n"
        "class Visitor(FasterHttpUser):\n"
        f"    {setting}\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/')\n"
    )
    with serving(echo) as server:
        done = run(server, locustfile, tmp_path, "-t", "3s")
    assert "use locust.FastHttpUser" in done.stderr
    assert server.connections == 0
