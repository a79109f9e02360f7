"""What every stack has to do, whichever way its servers are started: up, ready, sized, sampled, faulted, down, and
cleaned up after a harness that was killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest
import redis

from harness.errors import LimitsMismatch
from harness.experiment.servers import Servers, Stack
from harness.model.samples import ServerSample
from harness.model.sizing import StackSize
from harness.planning.sizing import Audience
from harness.samplers.base import FETCH_TIMEOUT_SECONDS
from harness.stack import postgres
from harness.stack.cleanup import clean_up, status
from harness.stack.compose import ComposeStack
from harness.stack.compose_engine import containers_of
from harness.stack.endpoints import Endpoints, Running
from harness.stack.external import METRICS, NGINX_STATUS, PGBOUNCER, POSTGRES, QUEUES, REDIS, ExternalStack
from harness.stack.ledger import LEDGERS, read_ledgers
from harness.stack.limits import CGROUP_ROOT
from harness.stack.native import NativeStack
from harness.stack.proc import is_alive, state_of
from harness.stack.readback import require_matches
from harness.store.jsonl import read_lines
from harness.store.layout import RunDirectory, create_run_directory
from tests.stack_contract.engine import no_images

pytestmark = pytest.mark.stack

MIB = 1024**2
SIZE = StackSize(
    cpu_cores=1.5,
    memory_bytes=2048 * MIB,
    disk_bytes=100 * 1024 * MIB,
    gunicorn_workers=2,
    gunicorn_max_requests=1000,
    celery_default_concurrency=1,
    celery_heavy_workers=1,
    celery_max_memory_per_child_bytes=256 * MIB,
    postgres_max_connections=60,
    postgres_shared_buffers_bytes=64 * MIB,
    postgres_statement_timeout_seconds=7,
    pgbouncer_pool_size=20,
    redis_maxmemory_bytes=64 * MIB,
)
PEOPLE = Audience("lectio", (("teachers", 5), ("students", 20)))
OURS = ("native", "compose")
SOURCES = {"host", "stack", "postgres", "pgbouncer", "redis", "celery", "gunicorn", "application", "nginx", "storage"}
OF_PROCESSES = {"stack", "gunicorn", "storage"}
"""What is seen only of servers whose processes and folders are known, which nobody says of an external system."""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make(kind: str, run: RunDirectory, size: StackSize = SIZE) -> NativeStack | ComposeStack:
    if kind == "compose" and (why := no_images()):
        pytest.skip(why)
    made = ComposeStack if kind == "compose" else NativeStack
    return made(run, size, audience=PEOPLE, seed=7, report=say)


def new_run(runs: Path) -> RunDirectory:
    return create_run_directory(runs, "lectio", "B", "test", datetime.now(UTC))


@contextmanager
def standing(kind: str, runs: Path) -> Iterator[tuple[Stack, Running, RunDirectory]]:
    """A stack that is up; an external one is a native one of which only the addresses are told."""
    run = new_run(runs)
    if kind != "external":
        with make(kind, run) as stack:
            yield stack, stack.start(), run
        return
    with make("native", run) as servers:
        ends = servers.start().endpoints
        told = {
            POSTGRES: ends.postgres_dsn or "",
            PGBOUNCER: ends.pgbouncer_admin_dsn or "",
            REDIS: ends.redis_url or "",
            NGINX_STATUS: ends.nginx_status_url or "",
            METRICS: ends.metrics_urls[0],
            QUEUES: ",".join(ends.celery_queues),
        }
        with ExternalStack(ends.base_url, told) as stack:
            yield stack, stack.start(), run


def sign_in(base_url: str) -> str:
    body = json.dumps({"email": "teacher1@lectio.test", "password": "lectio"}).encode()
    with urlopen(Request(f"{base_url}/login", body, {"Content-Type": "application/json"}), timeout=10) as reply:
        return str(json.loads(reply.read())["token"])


def sampled(servers: Servers, run: RunDirectory, wanted: set[str]) -> dict[str, ServerSample]:
    """The last good sample of each source, once all that are wanted have a rate as well."""
    servers.start_sampling(run)
    deadline, pause = time.monotonic() + 20, threading.Event()
    while time.monotonic() < deadline and not wanted <= {name.partition(".")[0] for name in servers.latest()}:
        pause.wait(0.2)
    pause.wait(2 + FETCH_TIMEOUT_SECONDS)
    assert servers.stop_sampling() == ()
    return {row.source: row for row in read_lines(run.servers, ServerSample) if not row.gap}


@pytest.mark.parametrize("kind", [*OURS, "external"])
def test_up_ready_sized_sampled_faulted_and_down(kind: str, runs: Path) -> None:
    with standing(kind, runs) as (stack, running, run):
        ends = running.endpoints
        assert sign_in(ends.base_url), "ready"
        check_sizes(kind, running)
        size = None if kind == "external" else SIZE
        servers = Servers(stack, running, size, run, {})
        found = sampled(servers, run, SOURCES - OF_PROCESSES if kind == "external" else SOURCES)
        check_samples(kind, found)
        if kind != "external":
            check_fault(servers, ends)
    if kind != "external":
        check_gone(runs, run, ends)
        lines = (run.logs / "nginx-access.jsonl").read_text().splitlines()
        assert any(json.loads(line)["path"] == "/login" for line in lines)
        for name in ("postgres", "redis", "pgbouncer", "celery-default", "celery-heavy"):
            assert (run.logs / f"{name}.log").exists(), name
        stack.stop()  # again, and nothing happens


def check_sizes(kind: str, running: Running) -> None:
    if kind == "external":
        assert running.read_back == ()
        return
    assert [row for row in running.read_back if row.matches is False] == []
    read = {(row.component, row.setting): row.effective for row in running.read_back}
    assert read["postgres", "max_connections"] == "60"
    assert read["postgres", "shared_buffers"] == "64 MiB"
    assert read["postgres", "statement_timeout"] == "7 s"
    assert read["pgbouncer", "default_pool_size"] == "20"
    assert read["redis", "maxmemory"] == "64 MiB"
    assert read["gunicorn", "workers"] == "2"
    assert read["celery-heavy", "queues"] == "heavy"
    if running.limits_enforced:
        assert (read["stack", "CPU"], read["stack", "memory"]) == ("1.5 CPU", "2 GiB")
    if kind == "compose":
        assert running.versions["image app"].startswith("sha256:")
        assert "container redis-1" in {row.component for row in running.read_back}
    # Another size than the server's own is refused.
    parts = urlsplit(running.endpoints.postgres_dsn or "")
    server = postgres.Postgres(Path("/"), parts.port or 0, parts.password or "", "")
    with pytest.raises(LimitsMismatch) as caught:
        require_matches(postgres.read_back(server, replace(SIZE, postgres_max_connections=61), server.dsn()))
    assert "postgres › max_connections: wanted 61, is 60" in caught.value.where


def check_samples(kind: str, found: dict[str, ServerSample]) -> None:
    wanted = SOURCES - OF_PROCESSES if kind == "external" else SOURCES
    assert wanted <= found.keys()
    for source, keys in {
        "postgres": {"connections", "commits_per_second", "connections_ratio", "statements_per_second"},
        "pgbouncer": {"client_active", "server_idle", "pool_size", "queries_per_second"},
        "redis": {"used_memory_bytes", "operations_per_second", "cpu_ratio", "ping_seconds"},
        "celery": {"depth.default", "depth.heavy", "unacknowledged"},
        "application": {"requests_in_flight", "sockets_open"},
        "nginx": {"active", "requests_per_second"},
    }.items():
        assert keys <= found[source].values.keys(), source
    if kind == "external":
        return
    assert found["gunicorn"].values["workers"] == 2
    assert found["gunicorn"].values["listen_queue"] == 0
    assert {"worker_cpu_ratio_max", "worker_starts_total"} <= found["gunicorn"].values.keys()
    stack = found["stack"].values
    assert {"cpu_cores", "cpu_ratio", "memory_bytes", "memory_ratio"} <= stack.keys()
    assert stack["processes"] >= 12, "the servers, and what they have started"
    assert 50 * MIB < stack["memory_bytes"] < SIZE.memory_bytes
    assert found["storage"].values["disk_bytes"] > 10 * MIB


def check_fault(servers: Servers, ends: Endpoints) -> None:
    """A server that dies is noticed, once."""
    assert servers.newly_dead() == ()
    victim = ends.process_ids[-1]
    os.kill(victim, signal.SIGKILL)
    deadline, pause = time.monotonic() + 10, threading.Event()
    while state_of(victim) is not None and time.monotonic() < deadline:
        pause.wait(0.05)
    assert len(servers.newly_dead()) == 1
    assert servers.newly_dead() == ()


def check_gone(runs: Path, run: RunDirectory, ends: Endpoints) -> None:
    assert [pid for pid in ends.process_ids if state_of(pid) is not None] == []
    assert [folder for folder in (run.stack, *ends.data_paths) if folder.exists()] == []
    assert not (runs / LEDGERS).exists()
    assert sorted(CGROUP_ROOT.glob(f"*/*{run.path.name}*")) == []
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(ends.redis_url or "") as client:
        client.ping()


def ask(base_url: str, token: str, path: str, body: dict[str, str] | None = None) -> dict[str, object]:
    """A GET, or with a body a POST, on a connection of its own."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(base_url + path, data, headers), timeout=10) as reply:
        answer: dict[str, object] = json.loads(reply.read())
    return answer


def calls_of(dsn: str, words: str) -> int:
    """How often a server has run statements of the application that hold the words."""
    query = "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid"
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(
            f"{query} WHERE rolname = 'refapp' AND query LIKE %s".encode(), (f"%{words}%",)
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("kind", "pool"), [("native", None), ("native", 20), ("compose", 20)])
def test_two_application_servers_share_the_load_and_a_replica_answers_reads(
    kind: str, pool: int | None, runs: Path
) -> None:
    run = new_run(runs)
    size = replace(SIZE, app_servers=2, read_replicas=1, pgbouncer_pool_size=pool)
    with make(kind, run, size) as stack:
        running = stack.start()
        read = {(row.component, row.setting): row.effective for row in running.read_back}
        assert (read["app", "servers"], read["gunicorn", "workers"], read["gunicorn 2", "workers"]) == ("2", "1", "1")
        assert read["postgres", "streaming replicas"] == "1"
        assert (read["replica", "transaction_read_only"], read["replica", "max_connections"]) == ("on", "60")
        ends = running.endpoints
        assert ends.postgres_dsn is not None and ends.replica_dsn is not None
        for _ in range(8):
            token = sign_in(ends.base_url)
        for url in ends.metrics_urls:  # both have answered some
            with urlopen(url, timeout=10) as reply:
                counted = re.findall(rb"^refapp_request_seconds_count{.*} ([0-9.]+)$", reply.read(), re.M)
            assert 1 <= sum(float(count) for count in counted) <= 7
        # Who has not written reads from the replica; what is written goes to the primary, and is read there at once.
        before = calls_of(ends.postgres_dsn, "lessons.title")
        for _ in range(5):
            ask(ends.base_url, token, "/api/lessons")
        assert calls_of(ends.replica_dsn, "lessons.title") == 5
        assert calls_of(ends.postgres_dsn, "lessons.title") == before
        for number in range(5):
            text = {"client_id": f"lesson-{number}", "title": f"Lesson {number}", "description": "written just now"}
            made = ask(ends.base_url, token, "/api/lessons", text)
            assert ask(ends.base_url, token, f"/api/lessons/{made['id']}")["title"] == f"Lesson {number}"
        assert calls_of(ends.replica_dsn, "lessons.title") == 5
        assert calls_of(ends.postgres_dsn, "INSERT INTO lessons") == 5
        assert calls_of(ends.replica_dsn, "INSERT INTO") == 0
        sources = (SOURCES if pool else SOURCES - {"pgbouncer"}) | {"replica"}
        found = sampled(Servers(stack, running, size, run, {}), run, sources)
        assert found["gunicorn"].values["workers"] == 2
        assert found["gunicorn"].values["listen_queue"] == 0
        assert 0 <= found["postgres"].values["replication_lag_seconds"] < 5
        assert found["replica"].values["connections"] >= 1, "the application's"
        # What was written to the one is on the other.
        with psycopg.connect(ends.replica_dsn) as connection:
            query = "SELECT pg_is_in_recovery(), count(*) FROM lesson_revisions WHERE client_id LIKE 'lesson-%'"
            assert connection.execute(query).fetchone() == (True, 5)
    check_gone(runs, run, ends)


HOLD = """
import sys
from pathlib import Path
from harness.store.layout import RunDirectory
from tests.stack_contract.test_stack_contract import make
stack = make(sys.argv[2], RunDirectory(Path(sys.argv[1])))
running = stack.start()
print("up", running.endpoints.base_url, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("moment", ["PostgreSQL and Redis", "gunicorn, Celery and nginx", "up"])
@pytest.mark.parametrize("kind", OURS)
def test_what_a_killed_harness_leaves_is_cleaned_up(kind: str, moment: str, runs: Path) -> None:
    if kind == "compose" and (why := no_images()):
        pytest.skip(why)
    run = new_run(runs)
    with subprocess.Popen(
        (sys.executable, "-c", HOLD, str(run.path), kind),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert any(line.startswith(moment) for line in child.stdout)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    (left,) = status(runs)
    assert left.state == "orphaned"
    assert moment != "up" or len(left.processes) > 5
    [(_, ledger)] = read_ledgers(runs)
    keys = [state_of(pid).key for pid in left.processes]  # type: ignore[union-attr]
    (removed,) = clean_up(runs)
    assert removed.run_id == run.path.name
    assert [key for key in keys if is_alive(key)] == []
    assert not run.stack.exists()
    assert not (runs / LEDGERS).exists()
    assert sorted(CGROUP_ROOT.glob(f"*/*{run.path.name}*")) == []
    if kind == "compose":
        assert moment != "up" or removed.containers >= 7
        threading.Event().wait(1)  # whoever was still starting one would have by now
        assert containers_of(ledger.containers) == ()


@pytest.mark.parametrize("kind", OURS)
def test_a_stack_that_is_to_stay_outlives_its_harness_until_told(kind: str, runs: Path) -> None:
    stack = make(kind, new_run(runs))
    running = stack.start()
    processes = stack.detach()
    assert clean_up(runs) == ()
    (seen,) = status(runs)
    assert (seen.state, seen.base_url) == ("detached", running.endpoints.base_url)
    assert sign_in(running.endpoints.base_url)
    (removed,) = clean_up(runs, live=True)
    if processes is not None:
        processes.reap()
    assert removed.processes + removed.containers > 5
    assert status(runs) == ()
