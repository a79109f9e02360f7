"""python-socketio's own server for the contract tests: the same interface as node/server.js. Prints its port."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import socketio
from werkzeug.serving import WSGIRequestHandler, make_server

options = {key.replace("I", "_i").replace("T", "_t"): value for key, value in json.loads(sys.argv[1]).items()}
for name in ("ping_interval", "ping_timeout"):
    if name in options:
        options[name] /= 1000  # milliseconds in Node, seconds here
options.pop("perMessageDeflate", None)  # what it cannot do
sio = socketio.Server(async_mode="threading", cors_allowed_origins="*", **options)
auths: dict[str, Any] = {}


def serve(namespace: str) -> None:
    @sio.on("connect", namespace=namespace)
    def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        if namespace == "/locked" and (auth or {}).get("token") != "right":
            raise socketio.exceptions.ConnectionRefusedError("not you", {"code": 7})
        auths[sid] = auth or {}

    @sio.on("echo", namespace=namespace)
    def echo(sid: str, *args: Any) -> tuple[Any, ...]:
        return args

    @sio.on("ask", namespace=namespace)
    def ask(sid: str, *args: Any) -> None:
        def answered(*answer: Any) -> None:
            sio.emit("answered", answer, to=sid, namespace=namespace)

        sio.emit("question", args, to=sid, namespace=namespace, callback=answered)

    @sio.on("flood", namespace=namespace)
    def flood(sid: str, count: int, data: Any) -> None:
        for number in range(count):
            sio.emit("tick", (number, data), to=sid, namespace=namespace)

    @sio.on("say", namespace=namespace)
    def say(sid: str, data: Any) -> None:
        sio.emit("said", data, namespace=namespace)

    @sio.on("who", namespace=namespace)
    def who(sid: str) -> tuple[Any, ...]:
        return auths[sid], namespace, sio.transport(sid, namespace)

    @sio.on("kick", namespace=namespace)
    def kick(sid: str, whole: bool) -> None:
        sio.disconnect(sid, namespace=namespace)


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    for name in ("/", "/admin", "/locked"):
        serve(name)
    server = make_server("127.0.0.1", 0, socketio.WSGIApp(sio), threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)  # noqa: T201  # whoever started it reads this
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # it ends with its standard input
