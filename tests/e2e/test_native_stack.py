"""The whole stack, for real: up as the stage says, in use, and gone without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
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

from harness.errors import ConfigError, LimitsMismatch
from harness.model.sizing import StackSize
from harness.planning.sizing import Audience
from harness.stack import redis as redis_server
from harness.stack.cleanup import clean_up, status
from harness.stack.endpoints import Running
from harness.stack.ledger import LEDGERS, mark_of, read_ledgers
from harness.stack.limits import CgroupPaths, LimitsUnavailable, find_cgroup
from harness.stack.media import Clip, ensure_clip
from harness.stack.native import NativeStack
from harness.stack.ports import free_ports
from harness.stack.postgres import shared_memory_id
from harness.stack.proc import all_states, command_line, has_environment, is_alive
from harness.stack.readback import require_matches
from harness.store.layout import RunDirectory, create_run_directory

pytestmark = pytest.mark.stack

GIB = 1024**3
STAGE_A = StackSize(
    cpu_cores=2,
    memory_bytes=4 * GIB,
    disk_bytes=150 * GIB,
    gunicorn_workers=3,
    gunicorn_max_requests=1000,
    celery_default_concurrency=2,
    celery_heavy_workers=0,
    celery_max_memory_per_child_bytes=512 * 1024**2,
    postgres_max_connections=50,
    postgres_shared_buffers_bytes=GIB,
    postgres_statement_timeout_seconds=30,
)
STAGE_B = StackSize(
    cpu_cores=4,
    memory_bytes=8 * GIB,
    disk_bytes=350 * GIB,
    gunicorn_workers=5,
    gunicorn_max_requests=1000,
    celery_default_concurrency=2,
    celery_heavy_workers=1,
    celery_max_memory_per_child_bytes=512 * 1024**2,
    postgres_max_connections=100,
    postgres_shared_buffers_bytes=2 * GIB,
    postgres_statement_timeout_seconds=30,
    pgbouncer_pool_size=40,
)
PEOPLE = Audience("lectio", (("teachers", 20), ("students", 200)))


def make_run(root: Path, stage: str) -> RunDirectory:
    return create_run_directory(root, "lectio", stage, "test", datetime.now(UTC))


def marked_processes(run: RunDirectory) -> set[int]:
    entry = f"PROOFLOAD_STACK={mark_of(run.path)}"
    return {pid for pid in all_states() if has_environment(pid, entry)}


def processes_below(run: RunDirectory) -> set[int]:
    """Whoever names the run's folder on its command line: servers that have overwritten their environment."""
    return {pid for pid in all_states() if any(str(run.path) in word for word in command_line(pid))} - {os.getpid()}


def cgroup_folders(run: RunDirectory) -> list[Path]:
    try:
        paths = find_cgroup(f"proofload-{mark_of(run.path)}")
    except LimitsUnavailable:
        return []
    return [folder for folder in paths.folders if folder.exists()]


def listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as one:
        return one.connect_ex((parts.hostname, parts.port)) == 0


def assert_nothing_left(run: RunDirectory, urls: list[str], folders: list[Path]) -> None:
    assert marked_processes(run) == set()
    assert processes_below(run) == set()
    assert cgroup_folders(run) == []
    assert [url for url in urls if listening(url)] == []
    assert [folder for folder in (run.stack, *folders) if folder.exists()] == []
    assert not (run.path.parent / LEDGERS).exists()


def urls_of(running: Running) -> list[str]:
    ends = running.endpoints
    found = (ends.base_url, ends.postgres_dsn, ends.redis_url, *ends.metrics_urls, ends.pgbouncer_admin_dsn)
    return [url for url in found if url]


def shared_memory_segments() -> set[int]:
    return {int(line.split()[1]) for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def post(url: str, body: dict[str, str], agent: str = "test") -> dict[str, object]:
    headers = {"Content-Type": "application/json", "User-Agent": agent}
    with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=10) as reply:
        answer: dict[str, object] = json.loads(reply.read())
    return answer


def transcode(base_url: str, token: object, film: Path) -> dict[str, object]:
    """Upload a film and ask until its job has ended."""
    client_id = uuid.uuid4().hex
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="client_id"\r\n\r\n{client_id}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    ).encode() + film.read_bytes()
    headers = {"Authorization": f"Bearer {token}"}
    sending = Request(
        f"{base_url}/api/uploads",
        body + f"\r\n--{boundary}--\r\n".encode(),
        headers | {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    with urlopen(sending, timeout=10) as reply:
        assert reply.status == 202
    deadline = time.monotonic() + 30
    pause = threading.Event()
    while True:
        with urlopen(Request(f"{base_url}/api/uploads/{client_id}", headers=headers), timeout=10) as reply:
            job: dict[str, object] = json.loads(reply.read())
        if job["status"] in ("finished", "failed") or time.monotonic() > deadline:
            return job
        pause.wait(0.2)


def effective(running: Running) -> dict[tuple[str, str], str]:
    return {(row.component, row.setting): row.effective for row in running.read_back}


def test_stage_a_is_sized_used_and_gone(tmp_path: Path) -> None:
    # pytest's folder is closed to other users: as root the data must go elsewhere, and must vanish from there too.
    run = make_run(tmp_path, "A")
    stack = NativeStack(run, STAGE_A, audience=PEOPLE, seed=7, report=lambda _: None)
    with stack:
        running = stack.start()
        ends = running.endpoints
        assert running.started_seconds < 60
        settings = effective(running)
        assert settings["postgres", "max_connections"] == "50"
        assert settings["postgres", "shared_buffers"] == "1 GiB"
        assert settings["postgres", "statement_timeout"] == "30 s"
        assert settings["gunicorn", "workers"] == "3"
        assert settings["celery-default", "concurrency"] == "2"
        assert all(row.matches is not False for row in running.read_back)
        assert ends.celery_queues == ("default",)
        assert ends.pgbouncer_admin_dsn is None
        if running.limits_enforced:
            assert settings["stack", "memory"] == "4 GiB"
            assert ends.cgroup is not None
            inside = set((ends.cgroup.memory / "cgroup.procs").read_text().split())
            assert {str(pid) for pid in ends.process_ids} <= inside
        else:
            assert running.limits.startswith("not enforced: ")
        (seen,) = status(tmp_path)
        assert (seen.state, seen.base_url) == ("running", ends.base_url)
        assert len(seen.processes) > len(ends.process_ids)

        answer = post(ends.base_url + "/login", {"email": "teacher1@lectio.test", "password": "lectio"}, agent="gaga")
        assert answer["token"]
        assert ends.postgres_dsn is not None
        with psycopg.connect(ends.postgres_dsn) as connection:
            users = connection.execute("SELECT count(*) FROM users").fetchone()
            statements = connection.execute("SELECT count(*) FROM pg_stat_statements").fetchone()
        assert users == (220,)
        assert statements is not None and statements[0] > 0
        assert ends.redis_url is not None
        with redis.Redis.from_url(ends.redis_url) as client:
            assert client.ping()
        (metrics_url,) = ends.metrics_urls
        with urlopen(metrics_url, timeout=10) as reply:
            assert b"# TYPE" in reply.read()
        (ledger,) = (ledger for _, ledger in read_ledgers(tmp_path))
        assert "lectio" in str(ledger.folders)
    rows = [json.loads(line) for line in (run.logs / "nginx-access.jsonl").read_text().splitlines()]
    (row,) = (row for row in rows if row["user_agent"] == "gaga")
    assert (row["method"], row["path"], row["status"], row["probe"]) == ("POST", "/login", 200, "")
    assert 0 <= row["request_time"] < 10
    assert_nothing_left(run, urls_of(running), list(ledger.folders))
    assert (run.logs / "postgres.log").exists()
    stack.stop()  # again, and nothing happens


def test_the_external_service_of_a_plan_stands_beside_the_stage(runs: Path) -> None:
    size = replace(STAGE_A, application=(("WHISPER_PER_MINUTE", "500"), ("WHISPER_AT_ONCE", "10")))
    people = Audience("mina", (("users", 5),))
    run = create_run_directory(runs, "mina", "Development", "test", datetime.now(UTC))
    with NativeStack(run, size, audience=people, seed=7, report=lambda _: None) as stack:
        running = stack.start()
        answer = post(running.endpoints.base_url + "/login", {"email": "user5@mina.test", "password": "mina"})
        assert answer["token"]
        [(_, ledger)] = read_ledgers(runs)
        (service,) = [process for process in ledger.processes if process.name == "whisper"]
        words = command_line(service.key.pid)
        assert "--per-minute=500" in words
        assert "--at-once=10" in words
        assert service.key.pid not in running.endpoints.process_ids, "none of the stage's, so in none of its figures"
        cgroups = Path(f"/proc/{service.key.pid}/cgroup").read_text()
        assert mark_of(run.path) not in cgroups, "and under none of its limits"
    assert not is_alive(service.key)


def test_stage_b_goes_through_pgbouncer_and_transcodes_on_its_heavy_queue(runs: Path, tmp_path: Path) -> None:
    film = ensure_clip(Path("/usr/bin/ffmpeg"), Clip(seconds=1, width=320, height=180), tmp_path)
    run = make_run(runs, "B")
    with NativeStack(run, STAGE_B, audience=PEOPLE, seed=7, report=lambda _: None) as stack:
        running = stack.start()
        ends = running.endpoints
        settings = effective(running)
        assert settings["pgbouncer", "pool_mode"] == "transaction"
        assert settings["pgbouncer", "default_pool_size"] == "40"
        assert settings["postgres", "statement_timeout"] == "30 s"
        assert settings["celery-heavy", "queues"] == "heavy"
        assert ends.celery_queues == ("default", "heavy")
        assert ends.data_paths == (run.stack,)
        answer = post(ends.base_url + "/login", {"email": "teacher1@lectio.test", "password": "lectio"})
        assert transcode(ends.base_url, answer["token"], film)["status"] == "finished"
        assert "refapp.process" in (run.logs / "celery-heavy.log").read_text()
        assert ends.pgbouncer_admin_dsn is not None
        with psycopg.connect(ends.pgbouncer_admin_dsn, autocommit=True) as console:
            cursor = console.execute("SHOW STATS_TOTALS")
            names = [column.name for column in cursor.description or ()]
            totals = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
        assert totals["refapp"]["xact_count"] > 0
        assert ends.postgres_dsn is not None
        with psycopg.connect(ends.postgres_dsn) as connection:
            clients = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'refapp'").fetchone()
        assert clients is not None and 0 < clients[0] <= 40
        # The read-back asks the running servers, so a setting that changes under way is seen.
        cache = redis_server.Redis(run.stack, urlsplit(ends.redis_url).port, urlsplit(ends.redis_url).password)
        with redis.Redis.from_url(ends.redis_url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(LimitsMismatch) as caught:
            require_matches(redis_server.read_back(cache, STAGE_B))
        assert caught.value.where == ("redis › maxmemory-policy: wanted noeviction, is allkeys-lru",)
        # As the kernel does for want of memory: what PostgreSQL can then not remove itself must go all the same.
        segment = shared_memory_id((run.stack / "postgres" / "postmaster.pid").read_text())
        assert segment is not None and segment[1] in shared_memory_segments()
        (ledger,) = (ledger for _, ledger in read_ledgers(runs))
        (postmaster,) = (process for process in ledger.processes if process.name == "postgres")
        os.kill(postmaster.key.pid, signal.SIGKILL)
    assert segment[1] not in shared_memory_segments()
    assert_nothing_left(run, urls_of(running), [])


HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.e2e.test_native_stack import PEOPLE, STAGE_A
from harness.stack.native import NativeStack
from harness.stack.readback import require_matches
from harness.stack.media import Clip, ensure_clip
from harness.store.layout import RunDirectory
stack = NativeStack(RunDirectory(Path(sys.argv[1])), STAGE_A, audience=PEOPLE, seed=7,
                    report=lambda line: print(line, flush=True))
running = stack.start()
print("up", running.endpoints.base_url, flush=True)
sys.stdin.read()
"""


@contextmanager
def held_stack(run: RunDirectory) -> Iterator[subprocess.Popen[str]]:
    project = Path(__file__).parents[2]
    child = subprocess.Popen(
        (sys.executable, "-c", HOLD, str(run.path), str(project)),
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("moment", ["PostgreSQL and Redis", "gunicorn, Celery and nginx", "up"])
def test_what_a_killed_harness_leaves_is_cleaned_up_and_nothing_else(runs: Path, moment: str) -> None:
    run = make_run(runs, "A")
    with subprocess.Popen(("postgres: gunicorn master", "300"), executable=shutil.which("sleep")) as stranger:
        try:
            with held_stack(run) as child:
                assert child.stdout is not None
                line = next(line for line in child.stdout if line.startswith(moment))
                child.send_signal(signal.SIGKILL)
                child.wait(10)
            (left,) = status(runs)
            assert left.state == "orphaned"
            assert left.harness_pid == child.pid
            url = line.split()[1:] if moment == "up" else []
            if moment == "up":
                assert listening(url[0])
                assert len(left.processes) > 10
            (removed,) = clean_up(runs)
            assert removed.run_id == run.path.name
            assert run.stack in removed.folders
            assert_nothing_left(run, url, [])
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_port_in_use_is_the_persons_to_mend_and_leaves_nothing(runs: Path) -> None:
    run = make_run(runs, "A")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} is in use"):
            NativeStack(run, STAGE_A, audience=PEOPLE, seed=7, report=lambda _: None, port=port).start()
    assert_nothing_left(run, [], [])


def test_a_lost_race_for_a_port_is_tried_again_and_ctrl_c_leaves_nothing(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_cgroup(_: str) -> CgroupPaths:
        raise LimitsUnavailable("not here")

    # Without a cgroup the ledger and the marker alone must find every process.
    monkeypatch.setattr("harness.stack.native.find_cgroup", no_cgroup)
    run = make_run(runs, "A")
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        if line.startswith("gunicorn"):
            raise KeyboardInterrupt

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        choices = iter([(taken.getsockname()[1], *free_ports(4)), free_ports(5)])
        monkeypatch.setattr("harness.stack.native.free_ports", lambda _: next(choices))
        with pytest.raises(KeyboardInterrupt):
            NativeStack(run, STAGE_A, audience=PEOPLE, seed=7, report=report).start()
    assert "a port was taken in the meantime: trying others" in said
    assert_nothing_left(run, [], [])


def test_a_stack_that_is_to_stay_outlives_its_harness_until_told(runs: Path) -> None:
    run = make_run(runs, "A")
    stack = NativeStack(run, STAGE_A, audience=PEOPLE, seed=7, report=lambda _: None)
    running = stack.start()
    processes = stack.detach()
    assert clean_up(runs) == ()
    (seen,) = status(runs)
    assert (seen.state, seen.base_url) == ("detached", running.endpoints.base_url)
    assert listening(running.endpoints.base_url)
    (removed,) = clean_up(runs, live=True)
    processes.reap()
    assert removed.processes == len(seen.processes)
    assert_nothing_left(run, urls_of(running), [])
