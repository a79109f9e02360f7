"""What the application does when a server that it needs is slow, pooled or gone, and when a worker of its own ends."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
import requests
import socketio

from harness.stack.ports import free_ports
from tests.app.refapp_stack import Stack, as_postgres, listening, process, until

pytestmark = pytest.mark.stack


def test_a_full_pool_answers_and_does_not_block_the_event_loop(stack: Stack) -> None:
    login = {"json": {"email": "teacher8@lectio.test", "password": "lectio"}}
    pool = {"DB_POOL_SIZE": "1", "DB_MAX_OVERFLOW": "0", "DB_POOL_TIMEOUT": "0.3"}
    with stack.web(**pool) as url, psycopg.connect(stack.postgres.url) as lock, ThreadPoolExecutor() as threads:
        lock.execute("LOCK TABLE users")
        waiting = threads.submit(lambda: stack.call("POST", "/login", url=url, **login))
        until(lambda: stack.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert stack.call("GET", "/healthz", url=url).status_code == 200, "the statement waits, not the worker"
        refused = stack.call("POST", "/login", url=url, **login)
        assert (refused.status_code, refused.json()) == (503, {"error": "temporarily unavailable"})
        lock.rollback()
        assert waiting.result(10).status_code == 200
        assert metric(stack, url, "refapp_pool_wait_seconds_sum") >= 0.3, "the request that was refused waited so long"


def metric(stack: Stack, url: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", stack.call("GET", "/metrics", url=url).text, re.M)
    assert found, name
    return float(found[1])


def test_a_connection_that_the_database_refuses_is_counted(stack: Stack) -> None:
    with psycopg.connect(stack.postgres.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 0")
    database = stack.postgres.url.replace("postgresql://lectio@", "postgresql+psycopg://limited@")
    with stack.web(DATABASE_URL=database) as url:
        assert metric(stack, url, "refapp_connections_refused_total") == 0
        login = {"json": {"email": "teacher8@lectio.test", "password": "lectio"}}
        assert stack.call("POST", "/login", url=url, **login).status_code == 503
        assert metric(stack, url, "refapp_connections_refused_total") == 1


def test_behind_transaction_pooling(stack: Stack) -> None:
    port = free_ports(1)[0]
    folder = stack.folder / "pgbouncer"
    folder.mkdir()
    users = folder / "users.txt"
    users.write_text('"lectio" ""\n')
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={stack.postgres.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
        "pool_mode = transaction\ndefault_pool_size = 2\n"
    )
    database = f"postgresql+psycopg://lectio@127.0.0.1:{port}/postgres"
    pooler = as_postgres(["pgbouncer", str(configuration)])
    with process(pooler, stack.folder / "pgbouncer.log"):
        until(lambda: listening(port))
        with (
            stack.web(DATABASE_URL=database, DB_TRANSACTION_POOLING="1") as url,
            ThreadPoolExecutor(8) as threads,
        ):
            paths = ["/api/lessons", "/api/dashboard", "/api/lessons/1"] * 20
            replies = threads.map(lambda path: stack.call("GET", path, "teacher1", url=url).status_code, paths)
            assert set(replies) == {200}
            body = {"client_id": str(uuid4()), "title": "Pooled", "description": "as well"}
            assert stack.call("POST", "/api/lessons", "teacher1", url=url, json=body).status_code == 201


def test_a_worker_that_is_replaced_lets_go_of_its_sockets(stack: Stack) -> None:
    with stack.web("--max-requests", "20", "--graceful-timeout", "30") as url:
        client = socketio.Client(reconnection=False)
        client.connect(url, auth={"token": stack.token("teacher1")}, transports=["websocket"])
        connection = client.eio.ws
        for _ in range(25):
            if not client.connected:
                break
            stack.call("GET", "/healthz", url=url)
        until(lambda: not client.connected, 5)
        connection.shutdown()
        until(lambda: stack.call("GET", "/healthz", url=url).ok, 10)
        gauge = re.search(r"^refapp_sockets_open (\S+)$", stack.call("GET", "/metrics", url=url).text, re.M)
        assert gauge
        assert float(gauge[1]) == 0


def test_a_killed_transcode_goes_to_another_worker(stack: Stack, tmp_path: Path) -> None:
    """Through the heavy queue. The stand-in for ffmpeg kills the Celery process that started it, once."""
    clip = stack.folder / "uploads" / "killed.video"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=1", "-f", "avi", str(clip)]
    subprocess.run(["ffmpeg", "-v", "error", *source], check=True)
    script = tmp_path / "ffmpeg"
    script.write_text(f'#!/bin/sh\nmkdir {tmp_path}/killed 2>/dev/null && kill -9 $PPID && exit 1\nexec ffmpeg "$@"\n')
    script.chmod(0o755)
    name = str(uuid4())
    stack.rows(
        "INSERT INTO uploads (client_id, user_id, path, size_bytes) VALUES (%s, 1, %s, 1) RETURNING 1", name, str(clip)
    )
    publish = f"import refapp.tasks; from refapp.uploads.work import process; process.delay({name!r})"
    stack.python("-c", publish, HEAVY_QUEUE="1")
    with redis.Redis(port=stack.redis_port) as broker:
        [message] = broker.lrange("heavy", 0, -1)
        assert json.loads(message)["headers"]["enqueued_at"] > 1e9
        with stack.tasks("heavy", FFMPEG=str(script)):
            until(
                lambda: stack.rows(
                    "SELECT 1 FROM uploads WHERE client_id = %s AND finished_at > now()- interval '1 day'", name
                ),
                20,
            )
        found = stack.rows("SELECT status, attempts FROM uploads WHERE client_id = %s", name)
        assert found == [("finished", 2)]
        assert broker.llen("heavy") == 0


def test_without_redis_an_upload_is_not_acknowledged(stack: Stack) -> None:
    with stack.web(REDIS_URL=f"redis://127.0.0.1:{free_ports(1)[0]}/0") as url:
        assert stack.call("GET", "/readyz", url=url).status_code == 503
        name = str(uuid4())
        files = {"file": ("clip.avi", b"some video")}
        reply = stack.call("POST", "/api/uploads", "teacher1", url=url, data={"client_id": name}, files=files)
        assert (reply.status_code, reply.json()) == (503, {"error": "temporarily unavailable"})
        assert stack.rows("SELECT 1 FROM uploads WHERE client_id = %s", name) == []
        assert stack.call("GET", "/api/dashboard", "teacher1", url=url).status_code == 200


def test_without_the_database_every_answer_is_503(stack: Stack) -> None:
    stack.token("teacher1")
    stack.postgres.stop()
    try:
        for path in ("/api/lessons", "/api/dashboard", "/api/lessons/1", "/readyz"):
            reply = stack.call("GET", path, "teacher1")
            assert (reply.status_code, reply.json()) == (503, {"error": "temporarily unavailable"})
        assert stack.call("GET", "/healthz").status_code == 200
    finally:
        stack.postgres.start()
    until(lambda: all(requests.get(f"{stack.url}/readyz", timeout=10).ok for _ in range(8)))
