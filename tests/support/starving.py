"""Stages of Lectio in which one thing is starved and everything else has room, run for real.

``python -m tests.support.starving CASE RUNS`` makes one run (a minute and a quarter). What is starved is either a
figure of the stage, or something that happens to the running servers from outside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import redis

import harness.experiment.run as experiment
import harness.experiment.servers as bringing_up
import harness.experiment.standing as standing
from harness.experiment.live import LiveStatus
from harness.experiment.servers import Servers
from harness.experiment.settings import Settings, StopRequest
from harness.model.figure import Figure, Provenance
from harness.model.plan import LevelName
from harness.model.run import Manifest
from harness.model.target import Stage
from harness.model.units import Unit
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.stack.endpoints import Endpoints
from harness.stack.media import Clip, ensure_clip
from harness.store.layout import RunDirectory
from targets.loader import find_stage, load_target

PROFILE = replace(
    profile_named("smoke"),
    ramp_seconds=2,
    settle_seconds=3,
    measure_seconds=9,
    drain_seconds=1,
    job_timeout_seconds=10,
    probe_uploads=2,
)
MIB = 1024**2
DISK_GROUPS = Path("/sys/fs/cgroup/blkio")
"""Only version 1 of cgroups slows the writes of one group down without further set-up."""

MODEST: Mapping[str, float] = {
    "vcpu": 2,
    "memory": 3 * 1024 * MIB,
    "teachers": 60,
    "students": 600,
    "gunicorn_workers": 3,
    "postgres_shared_buffers": 128 * MIB,
    "normal_rps": 30,
    "peak_rps": 60,
    "proof_factor": 2,
    "normal_users": 22,
    "concurrent_users": 44,
    "upload_rate": 1 / 60,
}
"""What every case shares: a load that the rest of the stage carries with room to spare."""

SHORT_CLIP = Clip(seconds=3, width=640, height=360)
"""Transcoded in a moment, so that uploads cost little where they are not the point."""

Deed = Callable[[Endpoints], None]


def slow_commits(endpoints: Endpoints, milliseconds: int = 80) -> None:
    """Every commit waits, as for a standby far away: time that costs neither CPU nor disk."""
    assert endpoints.postgres_dsn is not None
    with psycopg.connect(endpoints.postgres_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET commit_delay = {milliseconds * 1000}".encode())
        connection.execute("ALTER SYSTEM SET commit_siblings = 0")
        connection.execute("SELECT pg_reload_conf()")


def fill_redis(endpoints: Endpoints) -> None:
    """Somebody else's data takes what is left of Redis's memory, to the last small value."""
    assert endpoints.redis_url is not None
    with redis.Redis.from_url(endpoints.redis_url) as client:
        for size in (8192, 1024, 64):
            with suppress(redis.exceptions.OutOfMemoryError):
                for _ in range(4000):
                    client.rpush(f"somebody-else:{size}", bytes(size))
                raise AssertionError("Redis has no limit")


def slow_disk(endpoints: Endpoints, writes_per_second: int = 2) -> None:
    """The stack may write only so often a second: what an exhausted volume of a cloud does."""
    assert endpoints.cgroup is not None
    group = DISK_GROUPS / f"{endpoints.cgroup.memory.name}-disk"
    group.mkdir(exist_ok=True)
    device = Path(endpoints.data_paths[0]).stat().st_dev
    major, minor = device >> 8, device & 0xFF
    (group / "blkio.throttle.write_iops_device").write_text(f"{major}:{minor} {writes_per_second}")
    for process_id in (endpoints.cgroup.memory / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(process_id)


def take_connections(endpoints: Endpoints, leave: int = 8) -> None:
    """Somebody else's forgotten connections: of the ordinary ones, only so many are left (until the stack stops)."""
    assert endpoints.postgres_dsn is not None
    with psycopg.connect(endpoints.postgres_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE somebody_else LOGIN PASSWORD 'somebody-else'")
        row = connection.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
    assert row is not None
    for _ in range(max(0, row[0] - leave)):
        _FORGOTTEN.append(psycopg.connect(endpoints.postgres_dsn, user="somebody_else", password="somebody-else"))


_FORGOTTEN: list[psycopg.Connection[Any]] = []


@dataclass(frozen=True, slots=True)
class Case:
    """starved: the resource that the analysis has to name. figures: of the stage, over MODEST.

    once_up: what happens to the running servers before the load; from_peak: each second at peak and 3x-peak.
    """

    name: str
    starved: str
    stage: str = "A"
    figures: Mapping[str, float] = field(default_factory=dict)
    once_up: tuple[Deed, ...] = ()
    from_peak: tuple[Deed, ...] = ()
    clip: Clip = SHORT_CLIP


CASES: tuple[Case, ...] = (
    Case(
        "web-workers",
        "gunicorn",
        figures={"gunicorn_workers": 1, "normal_rps": 60, "peak_rps": 150, "proof_factor": 4},
    ),
    Case(
        "pgbouncer-pool",
        "pgbouncer",
        stage="B",
        figures={"pgbouncer_pool_size": 1, "message_rate_per_user": 0.2},
        once_up=(slow_commits,),
    ),
    Case(
        "postgres-connections",
        "postgres-connections",
        figures={"postgres_max_connections": 16, "gunicorn_workers": 2, "message_rate_per_user": 0.9},
        once_up=(slow_commits,),
    ),
    Case(
        "postgres-refusals",
        "postgres-connections",
        figures={"postgres_max_connections": 40, "message_rate_per_user": 1},
        once_up=(slow_commits, take_connections),
    ),
    Case("cpu", "cpu", figures={"vcpu": 0.5}),
    Case("memory", "memory", figures={"memory": 600 * MIB, "upload_rate": 0.3}, clip=Clip()),
    Case(
        "redis-memory",
        "redis-memory",
        figures={"redis_maxmemory": 6 * MIB, "upload_rate": 0.5},
        from_peak=(fill_redis,),
    ),
    Case(
        "celery-heavy",
        "celery-heavy",
        stage="B",
        figures={"celery_heavy_workers": 1, "upload_rate": 0.5, "normal_rps": 20, "peak_rps": 30},
        clip=Clip(),
    ),
    Case("disk", "disk", figures={"message_rate_per_user": 0.1}, from_peak=(slow_disk,)),
)


def starved_stage(stage: Stage, figures: Mapping[str, float]) -> Stage:
    """The stage with those figures; one that it does not have is added to its sizing."""
    wanted = {**MODEST, **figures}
    groups = {
        group: tuple(
            replace(figure, value=float(wanted.pop(figure.name)), high=None) if figure.name in wanted else figure
            for figure in getattr(stage, group)
        )
        for group in ("audience", "server", "sizing", "load")
    }
    added = tuple(
        Figure(name, value, Unit.BYTES, Provenance.ASSUMED, stage.citation, note="of the test")
        for name, value in wanted.items()
        if name == "redis_maxmemory"
    )
    return replace(
        stage,
        audience=groups["audience"],
        server=groups["server"],
        sizing=groups["sizing"] + added,
        load=groups["load"],
    )


class _Starving:
    """Watches a run, and does the case's deeds when their time has come."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.endpoints: Endpoints | None = None

    def step(self, text: str) -> None:
        sys.stdout.write(f"  {text}\n")

    def note(self, text: str) -> None:
        sys.stdout.write(f"  {text}\n")

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        assert self.endpoints is not None
        for deed in self._case.once_up:
            deed(self.endpoints)

    def live(self, status: LiveStatus) -> None:
        assert self.endpoints is not None
        if status.level is not None and status.level.name in (LevelName.PEAK, LevelName.PROOF):
            for deed in self._case.from_peak:
                deed(self.endpoints)


def make_run(case: Case, runs: Path) -> Path:
    """Run the case; returns the run directory."""
    target = load_target("lectio")
    stage = starved_stage(find_stage(target, case.stage), case.figures)
    plan = build_plan(target, stage, PROFILE, seed=7)
    settings = Settings(
        target, stage, plan, runs, Path("locustfiles/lectio.py"), "", f"python -m tests.support.starving {case.name}"
    )
    starving = _Starving(case)

    def bring_up(*arguments: Any) -> Servers:
        servers = bringing_up.bring_up(*arguments)
        starving.endpoints = servers._endpoints
        return servers

    def clip(ffmpeg: Path) -> Path:
        return ensure_clip(ffmpeg, case.clip)

    try:
        with patch.object(standing, "bring_up", bring_up), patch.object(bringing_up, "ensure_clip", clip):
            run = experiment.execute(settings, starving, StopRequest())
    finally:
        for connection in _FORGOTTEN:
            connection.close()
        _FORGOTTEN.clear()
        _remove_disk_groups()
    return run.path


def _remove_disk_groups() -> None:
    for group in DISK_GROUPS.glob("proofload-*-disk"):
        if not (group / "cgroup.procs").read_text():
            group.rmdir()


if __name__ == "__main__":
    chosen = next(case for case in CASES if case.name == sys.argv[1])
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{make_run(chosen, Path(sys.argv[2]).resolve())}\n")
