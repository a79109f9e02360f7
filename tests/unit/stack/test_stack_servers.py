"""What each server is told, and what its replies mean."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from harness.stack import nginx, pgbouncer, postgres, redis, tasks, web
from harness.stack.account import Account
from harness.stack.processes import Command
from harness.stack.programs import Programs
from harness.stack.render import render
from tests.unit.planning.test_sizing_of_stages import SIZE_A

PROGRAMS = Programs(
    *(Path("/bin") / name for name in ("postgres", "initdb", "pg_basebackup", "redis", "nginx", "ffmpeg", "pgbouncer"))
)
SIZE_B = replace(SIZE_A, gunicorn_workers=5, celery_heavy_workers=1, pgbouncer_pool_size=40)


def settings_of(text: str) -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def cluster(tmp_path: Path) -> postgres.Postgres:
    (tmp_path / "postgres").mkdir()
    return postgres.Postgres(tmp_path / "postgres", 5433, "super", "role")


def test_postgres_has_the_stages_sizes_and_stays_durable(tmp_path: Path) -> None:
    server = cluster(tmp_path)
    making = postgres.initdb(PROGRAMS, server, None)
    assert (tmp_path / "initdb-password").read_text() == "super"
    assert not any(word == "super" for word in making.argv)
    command = postgres.serve(PROGRAMS, server, SIZE_A, None)
    assert not (tmp_path / "initdb-password").exists()
    settings = settings_of((server.folder / "postgresql.conf").read_text())
    assert settings["max_connections"] == "50"
    assert settings["shared_buffers"] == "'1048576kB'"
    assert settings["listen_addresses"] == "'127.0.0.1'"
    assert settings["fsync"] == "on"
    assert settings["unix_socket_directories"] == "''"
    assert command.backing
    assert server.dsn() == "postgresql://proofload:super@127.0.0.1:5433/refapp"
    assert server.dsn(superuser=False, port=6432) == "postgresql://refapp:role@127.0.0.1:6432/refapp"


PID_FILE = "26412\n/data\n1795220000\n5433\n\n127.0.0.1\n  4003321         7\nready   \n"
SEGMENTS = (
    "       key      shmid perms                  size  cpid  lpid nattch   uid\n"
    "   4003321          7   600                    56 26412 26412      {users}   101\n"
    "   4003321          8   600                    56     1     1      0   101\n"
)


def test_shared_memory_is_removed_only_when_it_is_this_clusters_and_unused(tmp_path: Path) -> None:
    assert postgres.shared_memory_id(PID_FILE) == (4003321, 7)
    assert postgres.shared_memory_id("26412\n/data\n") is None
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/postmaster.pid").write_text(PID_FILE)
    segments = tmp_path / "shm"
    segments.write_text(SEGMENTS.format(users=3))
    assert not postgres.remove_shared_memory(tmp_path, segments)
    segments.write_text(SEGMENTS.format(users=0).replace("4003321          7", "9999999          7"))
    assert not postgres.remove_shared_memory(tmp_path, segments)
    assert not postgres.remove_shared_memory(tmp_path / "none", segments)


def test_redis_never_evicts_and_keeps_its_password_off_the_command_line(tmp_path: Path) -> None:
    server = redis.Redis(tmp_path, 6390, "secret")
    command = redis.serve(PROGRAMS, server, SIZE_A, None)
    text = (tmp_path / "redis.conf").read_text()
    assert "bind 127.0.0.1\nport 6390\n" in text
    assert "requirepass secret" in text
    assert "maxmemory-policy noeviction" in text
    assert "secret" not in " ".join(command.argv)
    assert server.url == "redis://:secret@127.0.0.1:6390/0"


def test_redis_evicts_what_expires_where_a_plan_says_so(tmp_path: Path) -> None:
    redis.serve(PROGRAMS, redis.Redis(tmp_path, 6390, "secret"), replace(SIZE_A, redis_evicts=True), None)
    assert "maxmemory-policy volatile-lru" in (tmp_path / "redis.conf").read_text()


def test_pgbouncer_pools_transactions(tmp_path: Path) -> None:
    database = postgres.Postgres(tmp_path, 5433, "super", "role")
    server = pgbouncer.PgBouncer(tmp_path, 6432, 40, 162)
    pgbouncer.serve(PROGRAMS, server, database, None, None)
    settings = settings_of((tmp_path / "pgbouncer.ini").read_text())
    assert settings["pool_mode"] == "transaction"
    assert settings["default_pool_size"] == "40"
    assert settings["max_client_conn"] == "162"
    assert settings["refapp"] == "host=127.0.0.1 port=5433 dbname=refapp"
    assert "refapp_read" not in settings
    assert (tmp_path / "users.txt").stat().st_mode & 0o777 == 0o600
    pgbouncer.serve(PROGRAMS, server, database, postgres.Postgres(tmp_path, 5434, "super", "role"), None)
    settings = settings_of((tmp_path / "pgbouncer.ini").read_text())
    assert settings["refapp_read"] == "host=127.0.0.1 port=5434 dbname=refapp"


@pytest.mark.parametrize("account", [None, Account("root", 0, 0)])
def test_nginx_listens_on_loopback_and_logs_what_is_counted(tmp_path: Path, account: Account | None) -> None:
    server = nginx.Nginx(tmp_path, tmp_path / "logs", 8081, (8082,))
    command = nginx.serve(PROGRAMS, server, replace(SIZE_A, cpu_cores=2.5), account)
    text = nginx.configuration_path(server).read_text()
    assert "listen 127.0.0.1:8081;" in text
    assert "server 127.0.0.1:8082;" in text
    assert "worker_processes 3;" in text
    assert f'access_log "{tmp_path}/logs/nginx-access.jsonl" proofload' in text
    assert ("user root root;" in text) == (account is not None)
    assert not command.as_account
    form = "".join(line.strip().strip("';") for line in text.split("escape=json")[1].split(";\n")[0].splitlines())
    row = json.loads(re.sub(r"\$[a-z_]+", "1", form))
    assert {"msec", "request_time", "method", "path", "status", "upstream_time", "user_agent", "probe"} <= set(row)


def test_nginx_compresses_where_the_stage_does(tmp_path: Path) -> None:
    server = nginx.Nginx(tmp_path, tmp_path / "logs", 8081, (8082,))
    for compression in (False, True):
        nginx.serve(PROGRAMS, server, replace(SIZE_A, compression=compression), None)
        assert ("gzip on;" in nginx.configuration_path(server).read_text()) == compression


def test_a_template_names_all_it_needs_and_takes_no_line_breaks() -> None:
    with pytest.raises(UndefinedError):
        render("redis/redis.conf.j2", port=1)
    with pytest.raises(ValueError, match="password may not hold a line break"):
        render("redis/redis.conf.j2", password="x\nrename-command CONFIG")


def test_gunicorn_is_told_the_stages_workers() -> None:
    command = web.serve(Path("/venv/python"), web.Web(8082), SIZE_A, {"A": "b"})
    assert web.option(command.argv, "workers") == "3"
    assert web.option(command.argv, "max-requests") == "1000"
    assert web.option(command.argv, "max-requests-jitter") == "100"
    assert web.option(command.argv, "bind") == "127.0.0.1:8082"
    assert web.option(command.argv, "nothing") is None
    assert not command.backing


def serve_worker(worker: tasks.Worker) -> Command:
    return tasks.serve(Path("/venv/python"), worker, SIZE_B, {})


def test_celery_has_a_worker_for_each_queue_of_the_stage() -> None:
    assert tasks.workers_of(SIZE_A) == (tasks.Worker("default", 2),)
    default, heavy = tasks.workers_of(SIZE_B)
    assert (default, heavy) == (tasks.Worker("default", 2), tasks.Worker("heavy", 1))
    argv = serve_worker(heavy).argv
    assert web.option(argv, "queues") == "heavy"
    assert web.option(argv, "concurrency") == "1"
    assert web.option(argv, "max-memory-per-child") == str(512 * 1024)  # KiB
    assert serve_worker(default).name != serve_worker(heavy).name


def test_celerys_answer_is_its_last_line_of_json() -> None:
    answer = 'warning: x\n{"workers": {"default@proofload": {"concurrency": 2, "queues": ["default"]}}}\n'
    assert tasks.answer_of(answer)["workers"]["default@proofload"]["concurrency"] == 2
    assert tasks.answer_of("Traceback…\n") == {}


def test_a_worker_that_did_not_answer_does_not_match() -> None:
    rows = tasks.read_back(SIZE_A, {}, {"default": 2**22 + 1})
    assert [row.matches for row in rows] == [False, False, False]


def test_shared_buffers_are_whole_blocks() -> None:
    size = replace(SIZE_A, postgres_shared_buffers_bytes=858_993_459)  # a fifth of 4 GiB
    assert "shared_buffers = '838856kB'" in postgres.configuration(size, address="127.0.0.1", port=5433)
