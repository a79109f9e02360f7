"""The reference stack as local processes: everything real, sized as the stage says, on loopback, gone afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from redis import RedisError

from harness.errors import StackError
from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.planning.sizing import ConnectionBudget, as_started, connection_budget, workers_of_each_server
from harness.stack import application, nginx, pgbouncer, postgres, redis, tasks, web, whisper
from harness.stack.account import Account, data_folder, make_folder, make_passage, service_account
from harness.stack.appenv import application_python
from harness.stack.cleanup import clean_up, take_down
from harness.stack.endpoints import Endpoints, Running
from harness.stack.host import Share, fitted, host_size, share_of
from harness.stack.ledger import LedgerFile, mark_of
from harness.stack.limits import CgroupPaths, LimitsUnavailable, find_cgroup, set_limits
from harness.stack.own import OwnStack
from harness.stack.places import APPLICATION
from harness.stack.ports import free_ports, require_free
from harness.stack.processes import Command, PortTaken, Processes, Started, ready_seconds
from harness.stack.programs import Programs, find_programs
from harness.stack.readback import compare, numbered, require_matches
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
    size: StackSize
    share: Share
    deviations: tuple[str, ...]
    budget: ConnectionBudget
    replica: postgres.Postgres | None
    postgres: postgres.Postgres
    redis: redis.Redis
    pgbouncer: pgbouncer.PgBouncer | None
    webs: tuple[web.Web, ...]
    nginx: nginx.Nginx
    whisper: whisper.Whisper | None
    replication_password: str = field(repr=False)
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
        size, spread = as_started(self._size)
        share = share_of(host_size(), size)
        size, fewer = fitted(size, share)
        budget = connection_budget(size)
        ports = iter(free_ports(6 + size.app_servers))
        database = postgres.Postgres(
            folder / postgres.FOLDER, next(ports), secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        )
        cache = redis.Redis(folder / "redis", next(ports), secrets.token_urlsafe(24))
        webs = tuple(web.Web(next(ports)) for _ in range(size.app_servers))
        nginx_port = next(ports) if self._port is None else require_free(self._port)
        pool = size.pgbouncer_pool_size
        return _Plan(
            programs=programs,
            python=python,
            account=account,
            folder=folder,
            logs=self._run.logs,
            size=size,
            share=share,
            deviations=(*share.deviations, *fewer, *spread),
            budget=budget,
            postgres=database,
            # A replica has its primary's roles, so its passwords too.
            replica=replace(database, folder=folder / postgres.REPLICA_FOLDER, port=next(ports))
            if size.read_replicas
            else None,
            redis=cache,
            pgbouncer=None
            if pool is None
            else pgbouncer.PgBouncer(
                folder / "pgbouncer",
                next(ports),
                pool,
                pgbouncer.most_clients(size, budget),
            ),
            webs=webs,
            nginx=nginx.Nginx(folder / "nginx", self._run.logs, nginx_port, tuple(one.port for one in webs)),
            whisper=whisper.Whisper(next(ports)) if whisper.is_wanted(dict(self._size.application)) else None,
            replication_password=secrets.token_urlsafe(24),
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
        processes.keep_secret(plan.replication_password)
        self._processes = processes
        started = self._start_servers(plan, processes)
        answer = self._start_application(plan, processes, started)
        self._report("reading back the sizes")
        rows = (*limit_rows(cgroup, plan.share, plan.size), *self._read_back(plan, started, answer))
        require_matches(rows)
        self._ledger.announce(plan.nginx.url)
        return Running(
            endpoints=self._endpoints(plan, started, cgroup),
            read_back=rows,
            limits=limits,
            limits_enforced=cgroup is not None,
            versions=versions_of(rows, answer),
            deviations=plan.deviations,
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
            for server in (plan.postgres, plan.replica, plan.redis, plan.pgbouncer):
                if server is not None:
                    make_folder(server.folder, plan.account)
            make_passage(plan.nginx.folder)
            for name in ("uploads", "tmp", *(_numbered("metrics", place) for place, _ in enumerate(plan.webs))):
                (plan.folder / name).mkdir(mode=0o700)
        except OSError as error:
            raise StackError(f"the stack's folder cannot be made: {error.strerror}", str(plan.folder)) from error
        return cgroup, limits

    def _start_servers(self, plan: _Plan, processes: Processes) -> dict[str, Started]:
        servers: dict[str, Started] = {}

        def start(command: Command) -> Started:
            servers[command.name] = processes.start(command)
            return servers[command.name]

        self._report("PostgreSQL and Redis")
        making = start(postgres.initdb(plan.programs, plan.postgres, plan.account))
        cache = start(redis.serve(plan.programs, plan.redis, plan.size, plan.account))
        processes.finish(making)
        database = start(postgres.serve(plan.programs, plan.postgres, plan.size, plan.account))
        processes.wait_until(lambda: redis.answers(plan.redis), cache)
        processes.wait_until(lambda: postgres.answers(plan.postgres), database)
        postgres.make_database(plan.postgres, plan.size, plan.replication_password)
        if (replica := plan.replica) is not None:
            self._report("the replica of PostgreSQL")
            processes.finish(
                processes.start(postgres.copy(plan.programs, replica, plan.postgres, plan.replication_password))
            )
            follower = start(postgres.serve(plan.programs, replica, plan.size, plan.account, "replica"))
            processes.wait_until(lambda: postgres.answers(replica) and postgres.followers(plan.postgres) > 0, follower)
        if (pooler := plan.pgbouncer) is not None:
            pool = start(pgbouncer.serve(plan.programs, pooler, plan.postgres, plan.replica, plan.account))
            processes.wait_until(lambda: pgbouncer.answers(pooler, plan.postgres), pool)
        return servers

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
        web_environment = environment | application.web_pool(budget) | self._reading(plan)
        task_environment = environment | application.task_pool(budget)
        of_one = replace(plan.size, gunicorn_workers=workers_of_each_server(plan.size))
        metrics = [plan.folder / _numbered("metrics", place) for place, _ in enumerate(plan.webs)]
        commands = [
            web.serve(
                plan.python,
                server,
                of_one,
                web_environment | {"PROMETHEUS_MULTIPROC_DIR": str(metrics[place])},
                _numbered("gunicorn", place),
            )
            for place, server in enumerate(plan.webs)
        ]
        patience = ready_seconds(plan.size)
        workers = tasks.workers_of(plan.size)
        commands += [tasks.serve(plan.python, worker, plan.size, task_environment) for worker in workers]
        commands.append(nginx.serve(plan.programs, plan.nginx, plan.size, plan.account))
        for command in commands:
            started[command.name] = processes.start(command)
        asking = processes.start(tasks.ask(plan.python, len(workers), task_environment, patience))
        self._report("gunicorn, Celery and nginx")
        processes.wait_until(lambda: nginx.answers(plan.nginx), started["nginx"])
        for server, gunicorn, folder in zip(plan.webs, _gunicorns(plan, started), metrics, strict=True):
            processes.wait_until(
                lambda server=server, gunicorn=gunicorn, folder=folder: web.answers(  # type: ignore[misc]
                    server, gunicorn.pid, of_one.gunicorn_workers, folder
                ),
                gunicorn,
                timeout_seconds=patience,
            )
        if (service := plan.whisper) is not None:
            processes.wait_until(lambda: whisper.answers(service), started["whisper"])
        processes.finish(seeding, timeout_seconds=SEED_SECONDS)
        if (replica := plan.replica) is not None:
            processes.wait_until(lambda: postgres.has_caught_up(replica, plan.postgres), started["replica"])
        processes.finish(asking, timeout_seconds=patience + 5)
        return tasks.answer_of(asking.log.read_text(encoding="utf-8", errors="replace"))

    def _environment(self, plan: _Plan, *, pooled: bool) -> dict[str, str]:
        port = plan.pgbouncer.port if pooled and plan.pgbouncer else plan.postgres.port
        whisper_url = "" if plan.whisper is None else plan.whisper.url
        return application.environment(plan.size, self._audience, whisper_url=whisper_url, pooled=pooled) | {
            "DATABASE_URL": plan.postgres.dsn(superuser=False, port=port).replace("://", "+psycopg://", 1),
            "REDIS_URL": plan.redis.url,
            "SECRET_KEY": plan.secret_key,
            "UPLOAD_DIR": str(plan.folder / "uploads"),
            "TMPDIR": str(plan.folder / "tmp"),
            "FFMPEG": str(plan.programs.ffmpeg),
        }

    def _reading(self, plan: _Plan) -> dict[str, str]:
        """Where the web tier reads what may lag."""
        if plan.replica is None:
            return {}
        dsn = plan.replica.dsn(superuser=False)
        if plan.pgbouncer is not None:
            dsn = plan.postgres.dsn(superuser=False, port=plan.pgbouncer.port, database=pgbouncer.REPLICA_DATABASE)
        return {"READ_DATABASE_URL": dsn.replace("://", "+psycopg://", 1)}

    def _read_back(
        self, plan: _Plan, started: Mapping[str, Started], answer: Mapping[str, Any]
    ) -> tuple[ReadBack, ...]:
        port = plan.pgbouncer.port if plan.pgbouncer else None
        pids = {worker.queue: started[worker.name].pid for worker in tasks.workers_of(plan.size)}
        of_one = replace(plan.size, gunicorn_workers=workers_of_each_server(plan.size))
        gunicorns = _gunicorns(plan, started)
        return (
            *postgres.read_back(plan.postgres, plan.size, plan.postgres.dsn(superuser=False, port=port)),
            *(postgres.read_back_replica(plan.replica, plan.postgres, plan.size) if plan.replica else ()),
            *(pgbouncer.read_back(plan.pgbouncer, plan.postgres) if plan.pgbouncer else ()),
            *redis.read_back(plan.redis, plan.size),
            compare("app", "servers", plan.size.app_servers, len(gunicorns)),
            *(
                row
                for place, server in enumerate(gunicorns, 1)
                for row in numbered(place, web.read_back(of_one, server.pid))
            ),
            *tasks.read_back(plan.size, answer.get("workers", {}), pids),
            *nginx.read_back(nginx.version_of(plan.programs), plan.size, started["nginx"].pid),
            application.pool_row(plan.budget),
        )

    def _endpoints(self, plan: _Plan, started: Mapping[str, Started], cgroup: CgroupPaths | None) -> Endpoints:
        servers = [server for name, server in started.items() if name not in ("initdb", "whisper")]
        return Endpoints(
            base_url=plan.nginx.url,
            postgres_dsn=plan.postgres.dsn(),
            replica_dsn=None if plan.replica is None else plan.replica.dsn(),
            pgbouncer_admin_dsn=plan.pgbouncer.admin_dsn(plan.postgres) if plan.pgbouncer else None,
            redis_url=plan.redis.url,
            nginx_status_url=plan.nginx.status_url,
            metrics_urls=tuple(server.metrics_url for server in plan.webs),
            gunicorn_pids=tuple(server.pid for server in _gunicorns(plan, started)),
            gunicorn_ports=tuple(server.port for server in plan.webs),
            celery_queues=tuple(worker.queue for worker in tasks.workers_of(plan.size)),
            cgroup=cgroup,
            data_paths=(plan.folder,),
            process_ids=tuple(server.pid for server in servers),
        )


def _numbered(name: str, place: int) -> str:
    """gunicorn, gunicorn-2…: the first keeps the plain name."""
    return name if place == 0 else f"{name}-{place + 1}"


def _gunicorns(plan: _Plan, servers: Mapping[str, Started]) -> tuple[Started, ...]:
    return tuple(servers[_numbered("gunicorn", place)] for place, _ in enumerate(plan.webs))


def _step(python: Path, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Command:
    return Command(
        name,
        (str(python), "-m", f"refapp.{name}", *arguments),
        cwd=APPLICATION,
        environment=environment,
        as_account=False,
    )
