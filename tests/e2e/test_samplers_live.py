"""The samplers against small servers of their own: every agreed value arrives, a stopped server is a gap, and all of
it costs less than 2 % of a core."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from harness.model.samples import ServerSample
from harness.samplers.catalog import make_samplers
from harness.samplers.runner import Sampling
from harness.samplers.targets import Targets
from harness.stack.ports import free_ports

pytestmark = pytest.mark.stack

METRICS = Path(__file__).parents[1] / "unit/samplers/data/application-metrics-1.txt"
AGREED = {
    "host": "cpu_busy_ratio cpu_niced_ratio cpu_steal_ratio load_1m memory_used_ratio memory_used_bytes disk_busy_ratio"
    " disk_read_bytes_per_second disk_write_bytes_per_second disk_operations_per_second disk_used_ratio"
    " network_bytes_per_second tcp_retransmits_per_second listen_overflows_per_second",
    "stack": "cpu_cores cpu_ratio memory_bytes memory_ratio processes",
    "postgres": "connections connections_ratio active idle idle_in_transaction waiting_lock waiting_lwlock waiting_io"
    " locks_not_granted deadlocks_total commits_per_second rollbacks_per_second statements_per_second"
    " statement_seconds_per_second longest_statement_seconds connections_free",
    "pgbouncer": "client_active client_waiting server_active server_idle max_wait_seconds wait_seconds_per_second"
    " queries_per_second transactions_per_second pool_size pool_ratio",
    "redis": "used_memory_bytes connected_clients operations_per_second evicted_keys_total rejected_connections_total"
    " cpu_ratio ping_seconds out_of_memory_errors_total",
    "celery": "depth.default depth.heavy unacknowledged oldest_age_seconds.default oldest_age_seconds.heavy"
    " unacknowledged.heavy",
    "nginx": "active reading writing waiting requests_total requests_per_second connections_per_second",
    "application": "requests_in_flight",
}


@dataclass
class Servers:
    """What was started."""

    targets: Targets
    redis: subprocess.Popen[bytes]
    postgres_dsn: str


@contextmanager
def _running(log: Path, *command: str | Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that ends with the block, by its own process group."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=cwd, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 15
    retry = threading.Event()
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not come up"
        retry.wait(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class _Metrics(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = METRICS.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def servers() -> Iterator[Servers]:
    binaries = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    postgres_port, pgbouncer_port, redis_port, nginx_port = free_ports(4)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samplers-", ignore_cleanup_errors=True)))
        folder.chmod(0o777)
        data = folder / "postgres"
        subprocess.run(
            [*as_postgres, binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        stack.enter_context(
            _running(
                folder / "postgres.log", *as_postgres, binaries / "postgres", "-D", data, "-p", str(postgres_port),
                "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "shared_preload_libraries=pg_stat_statements",
                "-c", "fsync=off", cwd=folder,
            )
        )  # fmt: skip
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={postgres_port} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {pgbouncer_port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\nadmin_users = postgres\n"
        )
        pgbouncer = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        stack.enter_context(
            _running(folder / "pgbouncer.log", *as_postgres, pgbouncer, folder / "pgbouncer.ini", cwd=folder)
        )
        redis_process = stack.enter_context(
            _running(
                folder / "redis.log", "redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "",
                "--requirepass", "hunter2", cwd=folder,
            )
        )  # fmt: skip
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;"
            f" fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;"
            f" server {{ listen 127.0.0.1:{nginx_port}; location /nginx_status {{ stub_status; }} }} }}\n"
        )
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        nginx_process = stack.enter_context(
            _running(folder / "nginx.log", nginx, "-e", folder / "start.log", "-c", folder / "nginx.conf", cwd=folder)
        )
        application = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Metrics)
        stack.callback(application.server_close)
        stack.callback(application.shutdown)
        threading.Thread(target=application.serve_forever, args=(0.05,), daemon=True).start()
        for name, port in (("PgBouncer", pgbouncer_port), ("Redis", redis_port), ("nginx", nginx_port)):
            _until(partial(_listens, port), name)
        asking = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(postgres_port)]
        _until(lambda: subprocess.run(asking, check=False).returncode == 0, "PostgreSQL")
        postgres_dsn = f"postgresql://postgres:hunter2@127.0.0.1:{postgres_port}/postgres"
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        redis_url = f"redis://:hunter2@127.0.0.1:{redis_port}/0"
        yield Servers(
            Targets(
                vcpu=2,
                memory_bytes=2**31,
                disk_bytes=2**34,
                data_paths=(data,),
                process_ids=(redis_process.pid, nginx_process.pid),
                postgres_dsn=postgres_dsn,
                pgbouncer_dsn=f"postgresql://postgres@127.0.0.1:{pgbouncer_port}/pgbouncer",
                redis_url=redis_url,
                celery_broker_url=redis_url,
                celery_queues=("default", "heavy"),
                application_metrics_urls=(f"http://127.0.0.1:{application.server_port}/metrics",),
                nginx_status_url=f"http://127.0.0.1:{nginx_port}/nginx_status",
            ),
            redis_process,
            postgres_dsn,
        )


class Watching:
    """Keeps the rows and lets a test wait for what it wants to see."""

    def __init__(self) -> None:
        self.rows: list[ServerSample] = []
        self._changed = threading.Condition()

    def append(self, *values: object) -> None:
        """Take rows."""
        with self._changed:
            self.rows += [value for value in values if isinstance(value, ServerSample)]
            self._changed.notify_all()

    def until(self, source: str, count: int, *, gap: bool, since: int = 0) -> list[ServerSample]:
        """The rows of a source, as soon as so many have come."""

        def found() -> list[ServerSample]:
            return [row for row in self.rows[since:] if row.source == source and bool(row.gap) == gap]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, timeout=15), f"{source}: {self.rows}"
            return found()


def test_real_servers_answer_every_sampler_at_a_small_cost(servers: Servers) -> None:
    assert servers.targets.redis_url is not None
    with redis.Redis.from_url(servers.targets.redis_url) as broker:
        broker.lpush("heavy\x06\x163", f'{{"headers": {{"enqueued_at": {time.time() - 60}}}}}')
    rows = Watching()
    sampling = Sampling(make_samplers(servers.targets), rows)
    sampling.start()
    try:
        for source in AGREED:
            rows.until(source, 1 if source == "application" else 3, gap=False)
    finally:
        assert sampling.stop() == ()

    assert [row for row in rows.rows if row.gap] == []
    for source, keys in AGREED.items():
        row = [row for row in rows.rows if row.source == source][-1]
        assert not set(keys.split()) - row.values.keys(), source
        assert sampling.latest(source) == row
    celery = sampling.latest("celery")
    assert celery is not None
    assert celery.values["depth.heavy"] == 1
    assert celery.values["oldest_age_seconds.heavy"] == pytest.approx(62, abs=5)
    postgres = sampling.latest("postgres")
    assert postgres is not None
    assert (postgres.values["connections"], postgres.values["statements_per_second"]) == (0, 0)  # none but its own

    periods = {sampler.source: sampler.period_seconds for sampler in make_samplers(servers.targets)}
    cost = sum(
        statistics.median(row.cost_seconds for row in rows.rows if row.source == source) / periods[source]
        for source in AGREED
    )
    assert 0 < cost <= 0.02


def test_a_server_that_stops_answering_is_a_gap_and_nobody_else_waits(servers: Servers) -> None:
    rows = Watching()
    sampling = Sampling(make_samplers(servers.targets), rows)
    sampling.start()
    try:
        rows.until("redis", 1, gap=False)
        os.kill(servers.redis.pid, signal.SIGSTOP)
        since = len(rows.rows)
        gaps = rows.until("redis", 2, gap=True, since=since)
        assert all(row.gap and not row.values for row in gaps)
        assert "hunter2" not in repr(gaps)
        assert len(rows.until("nginx", 2, gap=False, since=since)) >= 2
        os.kill(servers.redis.pid, signal.SIGCONT)
        since = len(rows.rows)
        assert rows.until("redis", 1, gap=False, since=since)
    finally:
        os.kill(servers.redis.pid, signal.SIGCONT)
        sampling.stop()
