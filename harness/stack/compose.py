"""The reference stack as containers: docker/compose.yaml with the sizes of the stage, on loopback, gone afterwards."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import psycopg
from redis import RedisError

from harness.errors import StackError
from harness.model.run import IMAGE_ID
from harness.model.sizing import StackSize
from harness.stack import nginx, tasks, web
from harness.stack.cleanup import clean_up, take_down
from harness.stack.compose_containers import Container
from harness.stack.compose_engine import Engine, Project, docker, find_engine
from harness.stack.compose_limits import find_parent, part_of, traces
from harness.stack.compose_readback import Read, read_back
from harness.stack.compose_render import (
    GUNICORN_PORT,
    NGINX_PORT,
    PGBOUNCER_PORT,
    Options,
    Rendered,
    pooler,
    render,
    write,
)
from harness.stack.compose_up import WayUp, only
from harness.stack.endpoints import Endpoints, Running
from harness.stack.host import HostSize, Share, host_size, share_of
from harness.stack.ledger import LedgerFile, mark_of
from harness.stack.limits import CgroupPaths, LimitsUnavailable, set_limits
from harness.stack.own import OwnStack
from harness.stack.ports import LOOPBACK, require_free
from harness.stack.processes import OPEN_FILES
from harness.stack.readback import require_matches
from harness.stack.sizes import limits_in_words, versions_of

BUILD_SECONDS = 1200.0
QUIET_SECONDS = 3600
"""Between health checks while the harness itself watches: each is a process started inside the stage's limits."""
_IMAGE_OF = dict.fromkeys(("setup", "celery-default", "celery-heavy", "whisper"), "app") | {"replica": "postgres"}
IMAGES = ("postgres", "pgbouncer", "redis", "nginx", "app")
NGINX_IN_ITS_IMAGE = 33
"""Debian's www-data."""


class ComposeStack(OwnStack):
    """The stack of one run as containers."""

    def start(self) -> Running:
        """Build what images are missing, start every server, wait until all answer, and read back their sizes.

        Cleans up first what dead runs of the same runs' folder left. Raises ConfigError (port in use), MissingProgram,
        PlanError, StackNotReady, LimitsMismatch, StackError.
        """
        engine = find_engine()
        clean_up(self._run.path.parent)
        if self._port is not None:
            require_free(self._port)
        began = time.monotonic()
        try:
            return self._start(engine, began)
        except (OSError, psycopg.Error, RedisError) as error:
            self.stop()
            raise StackError(
                "a server could not be set up", str(error).splitlines()[:1], str(self._run.logs)
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End and remove the containers, their networks and their volumes; logs stay."""
        if self._ledger is not None:
            take_down(self._ledger.path, self._ledger.value)
        self._ledger = None

    def detach(self) -> None:
        """Let the stack outlive this process, until ``clean_up(runs_root, live=True)``; ``stop`` does nothing then."""
        assert self._ledger is not None
        self._ledger.detach()
        self._ledger = None

    def _start(self, engine: Engine, began: float) -> Running:
        share = _share(engine, self._size)
        cgroup, parent, limits = self._prepare(engine, share)
        rendered = self._render(share, parent)
        self._report("images")
        assert self._ledger is not None
        mark = self._ledger.value.environment_entry
        project = Project(_project_name(mark), self._run.stack, self._run.logs, mark, self._check)
        _build_missing(project, rendered)
        up = WayUp(project, rendered, self._check, self._report)
        answer = up.everything()
        containers = project.containers()
        self._report("reading back the sizes")
        facts = Read(
            rendered,
            share,
            cgroup,
            engine.cgroup_version,
            parent,
            up.database,
            up.replica,
            up.cache,
            containers,
            answer,
            _version_of_nginx(containers),
        )
        rows = read_back(facts)
        require_matches(rows)
        endpoints = self._endpoints(up, containers, cgroup)
        assert self._ledger is not None
        self._ledger.announce(endpoints.base_url)
        return Running(
            endpoints=endpoints,
            read_back=rows,
            limits=limits,
            limits_enforced=cgroup is not None,
            versions=versions_of(rows, answer) | _versions(engine, containers),
            deviations=(*share.deviations, *rendered.deviations),
            started_seconds=time.monotonic() - began,
        )

    def _prepare(self, engine: Engine, share: Share) -> tuple[CgroupPaths | None, str, str]:
        """The ledger first, then what it names: the cgroup above the containers, and the folders."""
        mark = mark_of(self._run.path)
        name, cgroup, parent, limits = f"proofload-{mark}", None, "", ""
        folders = (self._run.stack, self._run.browser)
        try:
            cgroup, parent = find_parent(engine, name)
        except LimitsUnavailable as reason:
            limits = f"not enforced together, but for each container: {reason}"
        self._ledger = LedgerFile(self._run.path)
        # A cgroup of version 1 is made in other controllers as well, by the engine.
        places = () if cgroup is None else cgroup.folders if cgroup.version == 2 else traces(name)
        self._ledger.open(cgroups=places, folders=folders, containers=_project_name(mark))
        if cgroup is not None:
            try:
                set_limits(cgroup, share.cpu_cores, share.memory_bytes)
                limits = limits_in_words(cgroup, share)
            except LimitsUnavailable as reason:
                cgroup, parent = None, ""
                limits = f"not enforced together, but for each container: {reason}"
        self._run.logs.mkdir(exist_ok=True)
        return cgroup, parent, limits

    def _render(self, share: Share, parent: str) -> Rendered:
        rendered = render(
            self._size,
            self._audience,
            share,
            replace(
                options_here(self._run.logs),
                project=_project_name(mark_of(self._run.path)),
                folder=self._run.stack,
                cgroup_parent=parent,
                nginx_port=self._port,
                health_interval_seconds=QUIET_SECONDS,
            ),
            seed=self._seed,
        )
        write(rendered, self._run.stack)
        return rendered

    def _endpoints(self, up: WayUp, containers: tuple[Container, ...], cgroup: CgroupPaths | None) -> Endpoints:
        stage = [one for one in containers if one.running and one.service != "whisper"]
        if cgroup is not None:
            parts = (part_of(one.pid, cgroup.version) for one in stage)
            cgroup = replace(cgroup, parts=tuple(part for part in parts if part is not None))
        size, budget = up.rendered.size, up.rendered.budget
        apps = [one for one in stage if one.service == "app"]
        console = None
        if up.rendered.has_pgbouncer:
            port = only(containers, "pgbouncer").port(PGBOUNCER_PORT)
            console = pooler(size, budget, port).admin_dsn(up.database)
        base_url = f"http://{LOOPBACK}:{only(containers, 'nginx').port(NGINX_PORT)}"
        folders = (folder for one in stage for folder in one.volumes)
        return Endpoints(
            base_url=base_url,
            postgres_dsn=up.database.dsn(),
            replica_dsn=None if up.replica is None else up.replica.dsn(),
            pgbouncer_admin_dsn=console,
            redis_url=up.cache.url,
            nginx_status_url=base_url + nginx.STATUS_PATH,
            metrics_urls=tuple(web.Web(one.port(GUNICORN_PORT)).metrics_url for one in apps),
            gunicorn_pids=tuple(one.pid for one in apps),
            gunicorn_ports=(GUNICORN_PORT,) * len(apps),
            celery_queues=tuple(worker.queue for worker in tasks.workers_of(size)),
            cgroup=cgroup,
            data_paths=tuple(dict.fromkeys(folder for folder in folders if os.access(folder, os.R_OK | os.X_OK))),
            process_ids=tuple(one.pid for one in stage),
        )


def _project_name(mark: str) -> str:
    """Compose allows small letters, digits and dashes."""
    return f"proofload-{mark.rpartition('.')[2]}"


def _share(engine: Engine, size: StackSize) -> Share:
    """Never more than the engine's machine has, nor than this process may use."""
    host = host_size()
    return share_of(HostSize(min(host.cpu_cores, engine.cpu_cores), min(host.memory_bytes, engine.memory_bytes)), size)


def prepare_logs(logs: Path) -> str:
    """nginx's log files, which its user may write; returns that user. Only root can give files away."""
    logs.mkdir(parents=True, exist_ok=True)
    user, group = (NGINX_IN_ITS_IMAGE, NGINX_IN_ITS_IMAGE) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    for name in (nginx.ACCESS_LOG, "nginx-error.log"):
        path = logs / name
        path.touch(mode=0o644)
        if os.geteuid() == 0:
            os.chown(path, user, group)
    return f"{user}:{group}"


def options_here(run_logs: Path) -> Options:
    """What of the options depends on this machine and its environment: PIP_INDEX_URL, and PROOFLOAD_BASE_IMAGE and
    PROOFLOAD_BUILD_NETWORK for machines without a registry or a bridge to the outside."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Options(
        project="",
        folder=Path(),
        logs=run_logs,
        nginx_user=prepare_logs(run_logs),
        pip_index_url=os.environ.get("PIP_INDEX_URL", ""),
        base_image=os.environ.get("PROOFLOAD_BASE_IMAGE", ""),
        build_network=os.environ.get("PROOFLOAD_BUILD_NETWORK", ""),
        # An engine in a closed machine may raise no limit, and refuses to start what asks for more than it has.
        open_files=OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard),
    )


def _build_missing(project: Project, rendered: Rendered) -> None:
    tag = rendered.environment["IMAGE_TAG"]
    wanted = [name for name in IMAGES if name != "pgbouncer" or rendered.has_pgbouncer]
    have = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    missing = [name for name in wanted if f"proofload-{name}:{tag}" not in have]
    if missing:
        services = ("setup" if name == "app" else name for name in missing)
        project.compose("build", *services, timeout_seconds=BUILD_SECONDS)


def _version_of_nginx(containers: Iterable[Container]) -> str:
    return docker("exec", only(containers, "nginx").id, "sh", "-c", "nginx -v 2>&1")


def _versions(engine: Engine, containers: Iterable[Container]) -> dict[str, str]:
    """The engine's, and the id of each image: the tag alone says what it was made of, not when."""
    images = {f"{IMAGE_ID}{_IMAGE_OF.get(one.service, one.service)}": one.image for one in containers}
    return {"docker": engine.version, "docker compose": engine.compose_version, **images}
