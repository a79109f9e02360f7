"""What docker/compose.yaml is given for a stage: an env file, the servers' configuration, the passwords. Pure."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.model.sizing import StackSize
from harness.planning.sizing import Audience, ConnectionBudget, as_started, connection_budget, workers_of_each_server
from harness.stack import application, nginx, pgbouncer, postgres, redis, tasks, web, whisper
from harness.stack.host import Share, fitted
from harness.stack.places import DOCKER
from harness.stack.processes import OPEN_FILES

COMPOSE_FILE = DOCKER / "compose.yaml"
ENVIRONMENT_FILE = "stack.env"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container; what is published is published on loopback alone
POSTGRES_PORT, PGBOUNCER_PORT, REDIS_PORT, GUNICORN_PORT, NGINX_PORT, WHISPER_PORT = 5432, 6432, 6379, 8000, 8080, 9000
"""Inside the containers, as docker/compose.yaml has them."""
SOMAXCONN = 4096
"""Linux's own default; a container of an older kernel would get 128, and gunicorn asks for 2,048."""
PRIVATE = ("127.0.0.1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Who may look at nginx's status: through a published port everybody comes from the network's gateway."""
SECRETS = ("postgres-superuser", "postgres-role", "replication", "redis", "application", "worker-token")
IMAGE_INPUTS = ("Dockerfile", "healthy", "app-container", "postgres/serve", "pgbouncer/serve", "redis/serve", "app")
"""What the images are made of, below docker/."""


@dataclass(frozen=True, slots=True)
class Options:
    """Of one start. project: compose's name for all of it. folder: where the files are written. logs: of nginx.

    cgroup_parent: that holds all containers to the stage together; "" where there is none: then each is held to the
    whole. nginx_port: on loopback; None for any free one. health_interval_seconds: 0 for compose.yaml's own.
    pip_index_url: where the application's packages come from; "" for the public index. base_image: what all images
    are made on, "" for compose.yaml's own. build_network: "host" where a build reaches nothing through the bridge.
    open_files: that each process may have.
    """

    project: str
    folder: Path
    logs: Path
    cgroup_parent: str = ""
    nginx_port: int | None = None
    nginx_user: str = "33:33"
    health_interval_seconds: int = 0
    pip_index_url: str = ""
    base_image: str = ""
    build_network: str = ""
    open_files: int = OPEN_FILES


@dataclass(frozen=True, slots=True)
class Rendered:
    """Files by their path below the options' folder. environment: what the env file says. services: in the order in
    which they can be started. secrets: in no message."""

    files: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str]
    services: tuple[str, ...]
    size: StackSize
    budget: ConnectionBudget
    deviations: tuple[str, ...]

    @property
    def has_pgbouncer(self) -> bool:
        """Whether the application reaches the database through it."""
        return self.size.pgbouncer_pool_size is not None


def image_tag(docker: Path = DOCKER) -> str:
    """Names the images after what they are made of, so that none is used that is older than its sources."""
    digest = hashlib.sha256()
    for name in IMAGE_INPUTS:
        place = docker / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(docker)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def render(
    size: StackSize,
    audience: Audience,
    share: Share,
    options: Options,
    *,
    seed: int,
    password: Callable[[], str] = lambda: secrets.token_urlsafe(24),
) -> Rendered:
    """Everything that is written before the first container starts. Raises PlanError."""
    size, spread = as_started(size)
    size, fewer = fitted(size, share)
    budget = connection_budget(size)
    pooled = size.pgbouncer_pool_size is not None
    has_whisper = whisper.is_wanted(dict(size.application))
    profiles = [
        name
        for name, wanted in (
            ("pgbouncer", pooled),
            ("heavy", size.celery_heavy_workers > 0),
            ("replica", size.read_replicas > 0),
            ("whisper", has_whisper),
        )
        if wanted
    ]
    environment = {
        "COMPOSE_PROJECT_NAME": options.project,
        "COMPOSE_PROFILES": ",".join(profiles),
        "IMAGE_TAG": image_tag(),
        "STACK_FOLDER": str(options.folder),
        "LOGS_FOLDER": str(options.logs),
        **_limits(share, options),
        "SOMAXCONN": str(SOMAXCONN),
        "OPEN_FILES": str(options.open_files),
        "STATEMENT_TIMEOUT_MS": str(round(size.postgres_statement_timeout_seconds * 1000)),
        "SEED_ARGUMENTS": shlex.join(application.seed_arguments(audience, seed)),
        "DATABASE_ADDRESS": f"pgbouncer:{PGBOUNCER_PORT}" if pooled else f"postgres:{POSTGRES_PORT}",
        "READ_DATABASE_ADDRESS": _replica_address(size),
        "APP_SERVERS": str(size.app_servers),
        **_renamed("WEB", application.web_pool(budget)),
        **_renamed("TASK", application.task_pool(budget)),
        "GUNICORN_ARGUMENTS": shlex.join(_gunicorn(size)),
        **{
            f"CELERY_{worker.queue.upper()}_ARGUMENTS": shlex.join(tasks.arguments(worker, size))
            for worker in tasks.workers_of(size)
        },
        "NGINX_PORT": "" if options.nginx_port is None else str(options.nginx_port),
        "NGINX_USER": options.nginx_user,
        "NGINX_STATUS_PATH": nginx.STATUS_PATH,
    }
    if has_whisper:
        told = whisper.arguments(whisper.Whisper(WHISPER_PORT), dict(size.application))
        environment["WHISPER_ARGUMENTS"] = shlex.join((*told, f"--address={EVERYWHERE}"))
    for name, value in (
        ("HEALTH_INTERVAL", f"{options.health_interval_seconds}s" if options.health_interval_seconds else ""),
        ("PIP_INDEX_URL", options.pip_index_url),
        ("BASE_IMAGE", options.base_image),
        ("BUILD_NETWORK", options.build_network),
    ):
        if value:
            environment[name] = value
    passwords = {name: password() for name in SECRETS}
    told_application = application.environment(
        size, audience, whisper_url=f"http://whisper:{WHISPER_PORT}/" if has_whisper else "", pooled=pooled
    ) | {"UPLOAD_DIR": "/data/uploads", "TMPDIR": "/data/tmp", "FFMPEG": "/usr/bin/ffmpeg"}
    files = {
        ENVIRONMENT_FILE: env_text(environment),
        "application.env": env_text(told_application),
        "postgresql.conf": postgres.configuration(size, address=EVERYWHERE, port=POSTGRES_PORT),
        "redis.conf": redis.configuration(size, address=EVERYWHERE, port=REDIS_PORT, folder="/run/redis", password=""),
        "nginx.conf": nginx.configuration(
            size,
            folder="/var/lib/proofload-nginx",
            logs="/logs",
            address=EVERYWHERE,
            port=NGINX_PORT,
            gunicorn=(("app", GUNICORN_PORT),),  # the name of every application server
            may_look=PRIVATE,
        ),
        **{f"secrets/{name}": value for name, value in passwords.items()},
    }
    if size.pgbouncer_pool_size is not None:
        files["pgbouncer.ini"] = pgbouncer.configuration(
            pooler(size, budget, PGBOUNCER_PORT),
            address=EVERYWHERE,
            port=PGBOUNCER_PORT,
            database=("postgres", POSTGRES_PORT),
            replica=("replica", POSTGRES_PORT) if size.read_replicas else None,
            users_file="/run/pgbouncer/users.txt",
        )
    return Rendered(files, passwords, environment, _services(profiles), size, budget, (*fewer, *spread))


def _replica_address(size: StackSize) -> str:
    """Where the web tier reads what may lag: host, port and database; "" without a replica."""
    if not size.read_replicas:
        return ""
    if size.pgbouncer_pool_size is not None:
        return f"pgbouncer:{PGBOUNCER_PORT}/{pgbouncer.REPLICA_DATABASE}"
    return f"replica:{POSTGRES_PORT}/{postgres.DATABASE}"


def pooler(size: StackSize, budget: ConnectionBudget, port: int) -> pgbouncer.PgBouncer:
    """PgBouncer with its sizes, as it is reached on that port."""
    assert size.pgbouncer_pool_size is not None
    most = pgbouncer.most_clients(size, budget)
    return pgbouncer.PgBouncer(Path("/run/pgbouncer"), port, size.pgbouncer_pool_size, most)


def _limits(share: Share, options: Options) -> dict[str, str]:
    """Of each container. Below a parent that holds all of them to the CPUs together, none has a quota of its own:
    what is throttled is then told by one counter."""
    return {
        "CGROUP_PARENT": options.cgroup_parent,
        "STACK_CPUS": "0" if options.cgroup_parent else f"{share.cpu_cores:g}",
        "STACK_MEMORY": str(share.memory_bytes),
    }


def _gunicorn(size: StackSize) -> tuple[str, ...]:
    one = replace(size, gunicorn_workers=workers_of_each_server(size))
    # Heartbeats in memory: a slow disk is not a dead worker.
    return (*web.arguments(one, f"{EVERYWHERE}:{GUNICORN_PORT}"), "--worker-tmp-dir=/dev/shm")


def _renamed(prefix: str, pool: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("DB_", f"{prefix}_"): value for name, value in pool.items()}


def _services(profiles: list[str]) -> tuple[str, ...]:
    """In an order that each one's needs are there before it."""
    wanted = {"pgbouncer": "pgbouncer", "celery-heavy": "heavy", "replica": "replica", "whisper": "whisper"}
    every = (
        "postgres",
        "redis",
        "setup",
        "replica",
        "pgbouncer",
        "whisper",
        "app",
        "celery-default",
        "celery-heavy",
        "nginx",
    )
    return tuple(name for name in every if name not in wanted or wanted[name] in profiles)


def env_text(values: Mapping[str, str]) -> str:
    """An env file. Raises ValueError for what compose would read otherwise than it is written."""
    for name, value in values.items():
        if any(character in value for character in "\n\r\0$'\"\\#"):
            raise ValueError(f"{name} may not hold line breaks, quotes, backslashes, # or $")
    return "".join(f"{name}={value}\n" for name, value in values.items())


def write(rendered: Rendered, folder: Path) -> None:
    """Write the files. The folder is closed to others; what lies in it can be read by the containers' users, whose
    mounts lead straight to a file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "secrets").mkdir(mode=0o755, exist_ok=True)
    for name, text in rendered.files.items():
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o444)
