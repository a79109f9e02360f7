"""The servers of a run, whichever way they came up, with the samplers that watch them: one thing to start and stop."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from harness.experiment.settings import Settings
from harness.model.plan import LoadPlan
from harness.model.run import ReadBack
from harness.model.sizing import StackSize
from harness.model.target import FlowKind, Metric, Stage, UploadFile
from harness.planning.sizing import audience_of, size_of
from harness.samplers.catalog import make_samplers
from harness.samplers.runner import Sampling
from harness.samplers.targets import Cgroup, Targets
from harness.stack.compose import ComposeStack
from harness.stack.endpoints import Endpoints, Running
from harness.stack.external import ExternalStack, metrics_urls
from harness.stack.ledger import MARKER, mark_of
from harness.stack.media import ensure_clip, ensure_image
from harness.stack.native import NativeStack
from harness.stack.proc import command_line, state_of
from harness.stack.programs import find_ffmpeg, find_programs
from harness.store.jsonl import Appender
from harness.store.layout import RunDirectory

DEFAULT_IMAGE_BYTES = 500_000
STALE_PERIODS = 5
"""A value that old says nothing of now: nothing is shown of it, and no abort rule fires on it."""


class Stack(Protocol):
    """What all stacks have in common."""

    def start(self) -> Running:
        """Bring it up, or say why not."""

    def stop(self) -> None:
        """Take it down; may be called again."""


class Servers:
    """A stack that is up, and the samplers that watch it for one run after another."""

    def __init__(
        self,
        stack: Stack,
        running: Running,
        size: StackSize | None,
        home: RunDirectory,
        generator_environment: Mapping[str, str],
        *,
        metrics: tuple[Metric, ...] = (),
    ) -> None:
        """home: the run that started the stack, in whose logs its servers write."""
        self._stack = stack
        self._home = home
        self._endpoints = running.endpoints
        self.read_back: tuple[ReadBack, ...] = running.read_back
        self.limits = running.limits
        self.limits_enforced = running.limits_enforced
        self.versions: Mapping[str, str] = running.versions
        self.deviations = running.deviations
        self.generator_environment = generator_environment
        self._names = {pid: _name(pid) for pid in running.endpoints.process_ids}
        self._targets = sampling_targets(running.endpoints, size, metrics, os.environ)
        self._watch: _Watch | None = None

    @property
    def base_url(self) -> str:
        """Where the load goes."""
        return self._endpoints.base_url

    @property
    def browser_folder(self) -> Path:
        """For a browser's profile; the stack's ledger names it, so that it goes even when the harness is killed."""
        return self._home.browser

    @property
    def postgres_dsn(self) -> str | None:
        """For the reconciliation; None when nobody said where the database is."""
        return self._endpoints.postgres_dsn

    def start_sampling(self, run: RunDirectory) -> None:
        """From now on the run's servers.jsonl grows by a row per sampler and second."""
        self.stop_sampling()
        self._watch = _Watch(self._targets, run, self._home.nginx_log)

    def stop_sampling(self) -> tuple[str, ...]:
        """The last rows are written; what went wrong, a sentence each. May be called again."""
        watch, self._watch = self._watch, None
        return () if watch is None else watch.end()

    def latest(self) -> dict[str, float]:
        """The newest values, by "source.metric"; none of a sampler that has fallen silent."""
        return {} if self._watch is None else self._watch.latest()

    def newly_dead(self) -> tuple[str, ...]:
        """Servers whose main process has gone since the last time somebody asked."""
        dead = {pid: name for pid, name in self._names.items() if state_of(pid) is None}
        for pid in dead:
            del self._names[pid]
        return tuple(dead.values())

    def stop(self) -> None:
        """Samplers first, so that they do not see the servers go; may be called again."""
        self.stop_sampling()
        self._stack.stop()


class _Watch:
    """The samplers of one run. Made anew for each, so that no rate spans what lay between two of them."""

    def __init__(self, targets: Targets, run: RunDirectory, nginx_log: Path) -> None:
        self._rows = Appender(run.servers)
        self._samplers = make_samplers(targets)
        self._sampling = Sampling(self._samplers, self._rows)
        self._nginx_log, self._own_log = nginx_log, run.nginx_log
        self._from = nginx_log.stat().st_size if nginx_log.exists() else 0
        self._sampling.start()

    def end(self) -> tuple[str, ...]:
        problems = self._sampling.stop()
        self._rows.close()
        if self._own_log != self._nginx_log and self._nginx_log.exists():
            with self._nginx_log.open("rb") as log, self._own_log.open("wb") as own:
                log.seek(self._from)
                shutil.copyfileobj(log, own)
        return problems

    def latest(self) -> dict[str, float]:
        now = time.monotonic()
        values: dict[str, float] = {}
        for sampler in self._samplers:
            sample = self._sampling.latest(sampler.source)
            if sample is not None and now - sample.monotonic_seconds < STALE_PERIODS * sample.period_seconds:
                values.update({f"{sample.source}.{name}": value for name, value in sample.values.items()})
        return values


def bring_up(
    settings: Settings, run: RunDirectory, report: Callable[[str], None], check: Callable[[], None]
) -> Servers:
    """Start the servers of a run. Raises ConfigError, StackError or what ``check`` raises; nothing is left then.

    check: called again and again while it waits.
    """
    size: StackSize | None = None
    stack: Stack
    metrics_urls(settings.target.metrics, os.environ)  # what is wrong with them is said before anything starts
    if settings.base_url is not None:
        stack = ExternalStack(settings.base_url)
        ffmpeg = find_ffmpeg() if _uploads(settings.plan) else None
    else:
        size = size_of(settings.stage)
        stack = (ComposeStack if settings.containers else NativeStack)(
            run,
            size,
            audience=audience_of(settings.target, settings.stage),
            seed=settings.plan.seed,
            report=report,
            check=check,
        )
        if not settings.containers:
            find_programs(pgbouncer=size.pgbouncer_pool_size is not None)  # all that are missing, at once
        ffmpeg = find_ffmpeg() if _uploads(settings.plan) else None
    clip = None if ffmpeg is None else _file_to_upload(settings, ffmpeg)
    check()
    running = stack.start()
    try:
        environment = _generator_environment(settings.stage, run, clip)
        return Servers(stack, running, size, run, environment, metrics=settings.target.metrics)
    except BaseException:
        stack.stop()
        raise


def _uploads(plan: LoadPlan) -> bool:
    """Whether anybody will send a file."""
    return any(flow.kind is FlowKind.UPLOAD for flow in plan.flows)


def _file_to_upload(settings: Settings, ffmpeg: Path) -> Path | None:
    files = {flow.file for flow in settings.plan.flows if flow.kind is FlowKind.UPLOAD}
    if UploadFile.IMAGE in files:
        return ensure_image(ffmpeg, int(settings.stage.value("upload_size", DEFAULT_IMAGE_BYTES)))
    return ensure_clip(ffmpeg) if files else None


def _generator_environment(stage: Stage, run: RunDirectory, clip: Path | None) -> dict[str, str]:
    """What the flows must know beside the plan: the video, and how many accounts of each kind there are."""
    people = {f"PROOFLOAD_{figure.name.upper()}": f"{figure.value:.0f}" for figure in stage.audience}
    video = {} if clip is None else {"PROOFLOAD_CLIP": str(clip)}
    return {**people, MARKER: mark_of(run.path), **video}


def sampling_targets(
    endpoints: Endpoints,
    size: StackSize | None,
    metrics: tuple[Metric, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Targets:
    """The same places in the samplers' words, with the stage's size beside them."""
    cgroup = endpoints.cgroup
    return Targets(
        vcpu=None if size is None else size.cpu_cores,
        memory_bytes=None if size is None else size.memory_bytes,
        disk_bytes=None if size is None else size.disk_bytes,
        data_paths=endpoints.data_paths,
        cgroup=None
        if cgroup is None
        else Cgroup(cgroup.version, cgroup.cpu, cgroup.cpu_usage, cgroup.memory, cgroup.parts),
        process_ids=endpoints.process_ids,
        postgres_dsn=endpoints.postgres_dsn,
        replica_dsn=endpoints.replica_dsn,
        pgbouncer_dsn=endpoints.pgbouncer_admin_dsn,
        redis_url=endpoints.redis_url,
        celery_broker_url=endpoints.redis_url if endpoints.celery_queues else None,
        celery_queues=endpoints.celery_queues,
        celery_slots={} if size is None else _slots(size),
        gunicorn_pids=endpoints.gunicorn_pids,
        gunicorn_ports=endpoints.gunicorn_ports,
        application_metrics_urls=endpoints.metrics_urls,
        nginx_status_url=endpoints.nginx_status_url,
        metrics=metrics,
        metrics_urls=metrics_urls(metrics, environment),
    )


def _slots(size: StackSize) -> dict[str, int]:
    """Tasks at once, by queue: only a stack that was sized here has workers of that number."""
    return {"default": size.celery_default_concurrency, "heavy": size.celery_heavy_workers}


def _name(pid: int) -> str:
    words = command_line(pid)
    return Path(words[0]).name.rstrip(":") if words else f"process {pid}"
