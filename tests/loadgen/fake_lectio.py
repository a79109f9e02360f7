"""A small server that speaks the reference application's interface and misbehaves on request.

Run as a program with a JSON object of faults, and an address other than 127.0.0.1 if need be; prints its port. POST
/control merges further faults into it: delay_seconds, stall_seconds (everything waits, once), redirect_to,
fail_dashboard, lose_broadcasts (every second receiver), duplicate_broadcasts, job_seconds, drop_sockets (disconnects
them all, once), refuse_join, refuse_chat.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs

import socketio
from werkzeug.formparser import parse_form_data
from werkzeug.serving import WSGIRequestHandler, make_server

sio = socketio.Server(async_mode="threading", cors_allowed_origins="*")
faults: dict[str, Any] = {}
seen: list[tuple[str, str, str]] = []
jobs: dict[str, dict[str, Any]] = {}
members: dict[int, list[str]] = {}
owners: dict[str, list[str]] = {}
lock = threading.Lock()
stalled_until = 0.0


def answer(
    start: Any, status: str, value: object, content_type: str = "application/json", **headers: str
) -> list[bytes]:
    body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    start(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers.items()])
    return [body]


def http(environ: dict[str, Any], start: Any) -> list[bytes]:
    global stalled_until
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if path == "/control":
        order = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        faults.update(order)
        if "stall_seconds" in order:
            stalled_until = time.monotonic() + order["stall_seconds"]
        if order.get("drop_sockets"):
            for sid in [sid for sids in members.values() for sid in sids]:
                sio.disconnect(sid)
        return answer(start, "200 OK", {"seen": seen})
    seen.append((method, path, environ.get("HTTP_X_PROOFLOAD_PROBE", "")))
    time.sleep(max(0.0, stalled_until - time.monotonic()) + faults.get("delay_seconds", 0.0))
    body: Any = {}
    if environ.get("CONTENT_TYPE", "").startswith("application/json"):
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    if path == "/login":
        name = body["email"].split("@")[0]
        return answer(start, "200 OK", {"token": f"token-{name}", "user": {"id": 1, "role": name[:7], "name": name}})
    if not environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer token-"):
        return answer(start, "401 Unauthorized", {})
    if path == "/api/dashboard":
        if "redirect_to" in faults:
            return answer(start, "302 Found", "", Location=faults["redirect_to"])
        return answer(start, "500 Oops" if faults.get("fail_dashboard") else "200 OK", {"lessons": 3})
    if path == "/api/lessons" and method == "GET":
        page = int(parse_qs(environ["QUERY_STRING"])["page"][0])
        items = [{"id": (page - 1) * 20 + number} for number in range(1, 21)]
        return answer(start, "200 OK", {"items": items, "page": page, "pages": 3, "total": 60})
    if path.startswith("/api/lessons"):
        number = int(path.rsplit("/", 1)[1]) if path.count("/") == 3 else 77
        if method == "GET":
            return answer(start, "200 OK", {"id": number})
        status = "201 Created" if method == "POST" else "200 OK"
        return answer(start, status, {"id": number, "client_id": body["client_id"]})
    if path.startswith("/lessons/"):
        return answer(start, "200 OK", "<html></html>", "text/html")
    if path == "/api/uploads":
        _, form, files = parse_form_data(environ)
        assert len(files["file"].read()) > 1000
        identifier = form["client_id"]
        now = time.time()
        jobs[identifier] = {"queued": now, "started": now + 0.25, "ends": now + faults.get("job_seconds", 1.2)}
        owner = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        threading.Timer(faults.get("job_seconds", 1.2), finish, (identifier, owner)).start()
        return answer(start, "202 Accepted", {"client_id": identifier, "status": "queued"})
    if path.startswith("/api/uploads/"):
        identifier = path.rsplit("/", 1)[1]
        job = jobs[identifier]
        done = time.time() >= job["ends"]
        return answer(
            start,
            "200 OK",
            {
                "client_id": identifier,
                "status": "finished" if done else "processing",
                "queued_at": job["queued"],
                "started_at": job["started"],
                "finished_at": job["ends"] if done else None,
            },
        )
    return answer(start, "404 Not Found", {})


def finish(identifier: str, owner: str) -> None:
    for sid in owners.get(owner, []):
        sio.emit("job", {"client_id": identifier, "status": "finished"}, to=sid)


@sio.event
def connect(sid: str, environ: dict[str, Any], auth: Any) -> bool:
    if not auth or not auth["token"].startswith("token-"):
        return False
    owners.setdefault(auth["token"], []).append(sid)
    return True


@sio.event
def disconnect(sid: str, reason: str) -> None:
    with lock:
        for sids in members.values():
            if sid in sids:
                sids.remove(sid)


@sio.event
def join(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    if faults.get("refuse_join"):
        return {"ok": False}
    with lock:
        members.setdefault(data["lesson_id"], []).append(sid)
    return {"ok": True, "lesson_id": data["lesson_id"]}


@sio.event
def chat(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    if faults.get("refuse_chat"):
        return {"ok": False}
    with lock:
        others = [member for member in members[data["lesson_id"]] if member != sid]
    if faults.get("lose_broadcasts"):
        others = others[::2]
    for other in others:
        for _ in range(2 if faults.get("duplicate_broadcasts") else 1):
            sio.emit("chat", {**data, "user_id": 1}, to=other)
    return {"ok": True, "client_id": data["client_id"]}


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    faults.update(json.loads(sys.argv[1]))
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    server = make_server(address, 0, socketio.WSGIApp(sio, http), threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)  # noqa: T201  # whoever started it reads this
    server.serve_forever()
