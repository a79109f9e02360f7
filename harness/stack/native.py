"""The reference stack as local processes: everything real, sized as the stage says, on loopback, gone afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from redis import RedisError

from harness.errors import StackError
from harness.model.run import ReadBack
from harness.planning.sizing import ConnectionBudget, connection_budget
from harness.stack import application, nginx, pgbouncer, postgres, redis, tasks, web, whisper
from harness.stack.account import Account, data_folder, make_folder, make_passage, service_account
from harness.stack.appenv import application_python
from harness.stack.cleanup import clean_up, take_down
from harness.stack.endpoints import Endpoints, Running
from harness.stack.host import Share, host_size, share_of
from harness.stack.ledger import LedgerFile, mark_of
from harness.stack.limits import CgroupPaths, LimitsUnavailable, find_cgroup, set_limits
from harness.stack.own import OwnStack
from harness.stack.places import APPLICATION
from harness.stack.ports import free_ports, require_free
from harness.stack.processes import READY_SECONDS, Command, PortTaken, Processes, Started
from harness.stack.programs import Programs, find_programs
from harness.stack.readback import require_matches
from harness.stack.sizes import limit_rows, limits_in_words, versions_of

ATTEMPTS = 3
"""To start with other ports, when someone else took one of them."""
SEED_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is decided before the first server starts."""

    programs: Programs
    python: Path
    account: Account | None
    folder: Path
    logs: Path
    share: Share
    budget: ConnectionBudget
    postgres: postgres.Postgres
    redis: redis.Redis
    pgbouncer: pgbouncer.PgBouncer | None
    web: web.Web
    nginx: nginx.Nginx
    whisper: whisper.Whisper | None
    secret_key: str = field(repr=False)


class NativeStack(OwnStack):
    """The stack of one run as local processes."""

    _processes: Processes | None = None

    def start(self) -> Running:
        """Start every server, seed the database, wait until all answer, and read back their sizes.

        Cleans up first what dead runs of the same runs' folder left. Raises ConfigError (port in use), MissingProgram,
        PlanError, StackNotReady, LimitsMismatch, StackError.
        """
        clean_up(self._run.path.parent)
        programs = find_programs(pgbouncer=self._size.pgbouncer_pool_size is not None)
        python = application_python()
        try:
            for attempt in range(1, ATTEMPTS + 1):
                plan = self._decide(programs, python)
                try:
                    return self._start(plan)
                except PortTaken:
                    if attempt == ATTEMPTS:
                        raise
                    self._report("a port was taken in the meantime: trying others")
                    self.stop()
        except (OSError, psycopg.Error, RedisError) as error:
            self.stop()
            raise StackError(
                "a server could not be set up", str(error).splitlines()[:1], str(self._run.logs)
            ) from error
        except BaseException:
            self.stop()
            raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """End everything that was started and remove its data; logs stay."""
        if self._ledger is not None:  # also when its file is gone, with the whole runs' folder: what it named is not
            take_down(self._ledger.path, self._ledger.value)
        if self._processes is not None:
            self._processes.reap()
        self._ledger = self._processes = None

    def detach(self) -> Processes:
        """Let the stack outlive this process, until ``clean_up(runs_root, live=True)``; ``stop`` does nothing then."""
        assert self._ledger is not None and self._processes is not None
        self._ledger.detach()
        processes = self._processes
        self._ledger = self._processes = None
        return processes

    def _decide(self, programs: Programs, python: Path) -> _Plan:
        account = service_account()
        folder = data_folder(self._run.stack, account, self._run.path.name)
        budget = connection_budget(self._size)
        ports = free_ports(6)
        nginx_port = ports[4] if self._port is None else require_free(self._port)
        pool = self._size.pgbouncer_pool_size
        return _Plan(
            programs=programs,
            python=python,
            account=account,
            folder=folder,
            logs=self._run.logs,
            share=share_of(host_size(), self._size),
            budget=budget,
            postgres=postgres.Postgres(
                folder / postgres.FOLDER, ports[0], secrets.token_urlsafe(24), secrets.token_urlsafe(24)
            ),
            redis=redis.Redis(folder / "redis", ports[1], secrets.token_urlsafe(24)),
            pgbouncer=None
            if pool is None
            else pgbouncer.PgBouncer(
                folder / "pgbouncer",
                ports[2],
                pool,
                pgbouncer.most_clients(self._size, budget),
            ),
            web=web.Web(ports[3]),
            nginx=nginx.Nginx(folder / "nginx", self._run.logs, nginx_port, ports[3]),
            whisper=whisper.Whisper(ports[5]) if whisper.is_wanted(dict(self._size.application)) else None,
            secret_key=secrets.token_urlsafe(32),
        )

    def _start(self, plan: _Plan) -> Running:
        began = time.monotonic()
        cgroup, limits = self._prepare(plan)
        assert self._ledger is not None
        processes = Processes(self._ledger, plan.logs, cgroup=cgroup, account=plan.account, check=self._check)
        processes.keep_secret(
            plan.postgres.superuser_password, plan.postgres.role_password, plan.redis.password, plan.secret_key
        )
        self._processes = processes
        started = self._start_servers(plan, processes)
        answer = self._start_application(plan, processes, started)
        self._report("reading back the sizes")
        rows = (*limit_rows(cgroup, plan.share, self._size), *self._read_back(plan, started, answer))
        require_matches(rows)
        self._ledger.announce(plan.nginx.url)
        return Running(
            endpoints=self._endpoints(plan, started, cgroup),
            read_back=rows,
            limits=limits,
            limits_enforced=cgroup is not None,
            versions=versions_of(rows, answer),
            deviations=plan.share.deviations,
            started_seconds=time.monotonic() - began,
        )

    def _prepare(self, plan: _Plan) -> tuple[CgroupPaths | None, str]:
        """The ledger first, then what it names: the cgroup and the folders."""
        cgroup: CgroupPaths | None = None
        limits = ""
        try:
            cgroup = find_cgroup(f"proofload-{mark_of(self._run.path)}")
        except LimitsUnavailable as reason:
            limits = f"not enforced: {reason}"
        self._ledger = LedgerFile(self._run.path)
        folders = tuple(dict.fromkeys((plan.folder, self._run.stack, self._run.browser)))
        self._ledger.open(cgroups=() if cgroup is None else cgroup.folders, folders=folders)
        if cgroup is not None:
            try:
                set_limits(cgroup, plan.share.cpu_cores, plan.share.memory_bytes)
                limits = limits_in_words(cgroup, plan.share)
            except LimitsUnavailable as reason:
                cgroup, limits = None, f"not enforced: {reason}"
        try:
            plan.logs.mkdir(exist_ok=True)
            # The servers' user passes through to its own folders, and sees nothing else.
            make_passage(plan.folder)
            for folder in (plan.postgres.folder, plan.redis.folder, plan.pgbouncer.folder if plan.pgbouncer else None):
                if folder is not None:
                    make_folder(folder, plan.account)
            make_passage(plan.nginx.folder)
            for name in ("uploads", "metrics", "tmp"):
                (plan.folder / name).mkdir(mode=0o700)
        except OSError as error:
            raise StackError(f"the stack's folder cannot be made: {error.strerror}", str(plan.folder)) from error
        return cgroup, limits

    def _start_servers(self, plan: _Plan, processes: Processes) -> dict[str, Started]:
        started: dict[str, Started] = {}

        def start(command: Command) -> Started:
            started[command.name] = processes.start(command)
            return started[command.name]

        self._report("PostgreSQL and Redis")
        making = start(postgres.initdb(plan.programs, plan.postgres, plan.account))
        cache = start(redis.serve(plan.programs, plan.redis, self._size, plan.account))
        processes.finish(making)
        database = start(postgres.serve(plan.programs, plan.postgres, self._size, plan.account))
        processes.wait_until(lambda: redis.answers(plan.redis), cache)
        processes.wait_until(lambda: postgres.answers(plan.postgres), database)
        postgres.make_database(plan.postgres, self._size)
        if (pooler := plan.pgbouncer) is not None:
            pool = start(pgbouncer.serve(plan.programs, pooler, plan.postgres, plan.account))
            processes.wait_until(lambda: pgbouncer.answers(pooler, plan.postgres), pool)
        return started

    def _start_application(self, plan: _Plan, processes: Processes, started: dict[str, Started]) -> dict[str, Any]:
        """The schema, then the data beside the web tier and the workers, which need none to come up."""
        self._report("application: schema")
        budget = plan.budget
        direct = self._environment(plan, pooled=False)
        processes.finish(processes.start(_step(plan.python, "schema", (), direct)))
        self._report(f"application: {self._audience}")
        seeding = processes.start(
            _step(plan.python, "seed", application.seed_arguments(self._audience, self._seed), direct)
        )
        pooled = plan.pgbouncer is not None
        environment = self._environment(plan, pooled=pooled)
        if plan.whisper is not None:
            started["whisper"] = processes.start(whisper.serve(plan.python, plan.whisper, environment))
        metrics = {"PROMETHEUS_MULTIPROC_DIR": str(plan.folder / "metrics")}
        web_environment = environment | application.web_pool(budget) | metrics
        task_environment = environment | application.task_pool(budget)
        commands = [web.serve(plan.python, plan.web, self._size, web_environment)]
        workers = tasks.workers_of(self._size)
        commands += [tasks.serve(plan.python, worker, self._size, task_environment) for worker in workers]
        commands.append(nginx.serve(plan.programs, plan.nginx, self._size, plan.account))
        for command in commands:
            started[command.name] = processes.start(command)
        asking = processes.start(tasks.ask(plan.python, len(workers), task_environment, READY_SECONDS))
        self._report("gunicorn, Celery and nginx")
        processes.wait_until(lambda: nginx.answers(plan.nginx), started["nginx"])
        gunicorn = started["gunicorn"]
        processes.wait_until(
            lambda: web.answers(plan.web, gunicorn.pid, self._size.gunicorn_workers, plan.folder / "metrics"),
            gunicorn,
        )
        if (service := plan.whisper) is not None:
            processes.wait_until(lambda: whisper.answers(service), started["whisper"])
        processes.finish(seeding, timeout_seconds=SEED_SECONDS)
        processes.finish(asking, timeout_seconds=READY_SECONDS + 5)
        return tasks.answer_of(asking.log.read_text(encoding="utf-8", errors="replace"))

    def _environment(self, plan: _Plan, *, pooled: bool) -> dict[str, str]:
        port = plan.pgbouncer.port if pooled and plan.pgbouncer else plan.postgres.port
        whisper_url = "" if plan.whisper is None else plan.whisper.url
        return application.environment(self._size, self._audience, whisper_url=whisper_url, pooled=pooled) | {
            "DATABASE_URL": plan.postgres.dsn(superuser=False, port=port).replace("://", "+psycopg://", 1),
            "REDIS_URL": plan.redis.url,
            "SECRET_KEY": plan.secret_key,
            "UPLOAD_DIR": str(plan.folder / "uploads"),
            "TMPDIR": str(plan.folder / "tmp"),
            "FFMPEG": str(plan.programs.ffmpeg),
        }

    def _read_back(
        self, plan: _Plan, started: Mapping[str, Started], answer: Mapping[str, Any]
    ) -> tuple[ReadBack, ...]:
        port = plan.pgbouncer.port if plan.pgbouncer else None
        pids = {worker.queue: started[worker.name].pid for worker in tasks.workers_of(self._size)}
        return (
            *postgres.read_back(plan.postgres, self._size, plan.postgres.dsn(superuser=False, port=port)),
            *(pgbouncer.read_back(plan.pgbouncer, plan.postgres) if plan.pgbouncer else ()),
            *redis.read_back(plan.redis, self._size),
            *web.read_back(self._size, started["gunicorn"].pid),
            *tasks.read_back(self._size, answer.get("workers", {}), pids),
            *nginx.read_back(nginx.version_of(plan.programs), self._size, started["nginx"].pid),
            application.pool_row(plan.budget),
        )

    def _endpoints(self, plan: _Plan, started: Mapping[str, Started], cgroup: CgroupPaths | None) -> Endpoints:
        servers = [server for name, server in started.items() if name not in ("initdb", "whisper")]
        return Endpoints(
            base_url=plan.nginx.url,
            postgres_dsn=plan.postgres.dsn(),
            pgbouncer_admin_dsn=plan.pgbouncer.admin_dsn(plan.postgres) if plan.pgbouncer else None,
            redis_url=plan.redis.url,
            nginx_status_url=plan.nginx.status_url,
            metrics_urls=(plan.web.metrics_url,),
            gunicorn_pids=(started["gunicorn"].pid,),
            gunicorn_port=plan.web.port,
            celery_queues=tuple(worker.queue for worker in tasks.workers_of(self._size)),
            cgroup=cgroup,
            data_paths=(plan.folder,),
            process_ids=tuple(server.pid for server in servers),
        )


def _step(python: Path, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Command:
    return Command(
        name,
        (str(python), "-m", f"refapp.{name}", *arguments),
        cwd=APPLICATION,
        environment=environment,
        as_account=False,
    )
