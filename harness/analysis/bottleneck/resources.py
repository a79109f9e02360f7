"""Every resource that can be the bottleneck: utilisation, saturation and errors, each with its threshold (USE method).

A resource that nobody looked at is *not observed*, never *unsaturated*; one that the stage does not have, or sets no
limit to, is *absent*. A rule returns the stretches of the run in which its resource was saturated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.bottleneck.seen import Seen, count_of, nothing_seen, share
from harness.analysis.bottleneck.series import Sample, Stretch, Watched, growth, merged, stretches
from harness.analysis.tested import percent

QUOTA_USED = 0.9
THROTTLED = 0.5
"""CPU: this share of the quota is used, and in this share of its periods the stack is stopped."""
HOST_BUSY = 0.95
"""CPU of the host, work of low priority left out; the generator's share is among it."""
MEMORY_USED = 0.9
REFAULTS_PER_SECOND = 100.0
"""Memory: so much of the limit is in use, and so many pages a second are read again that had just been dropped."""
IO_STALLED = 0.3
"""Disk: in this share of the time somebody waited for it. The kernel averages over the cores that are in use, so that
one who always waits is half of it on two cores, and less on more: then the least is this ÷ cores × 2…"""
DISK_BUSY = 0.9
"""…while the device was so busy, or PostgreSQL waited for it."""
CONNECTIONS_WAITED_FOR = 1.0
"""PostgreSQL connections, without PgBouncer: so many requests waited, on average, for one of the application's."""
WORKER_BUSY = 0.85
"""gunicorn: mean CPU of all workers, each of which has one core at most."""
REDIS_USED = 0.95
QUEUE_AGE_SECONDS = 3.0
"""Celery: so long has the oldest task waited."""
MOST_USED = 0.999
"""All of a pool or of the slots, with the dust of divisions."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. behind: the resources that it waits for, so that their saturation explains its own.

    serves_web, serves_jobs: whether requests, or queued jobs, can be late for want of it.
    limit: when it is saturated, in words. reading: the series that shows it best.
    """

    id: str
    title: str
    limit: str
    behind: tuple[str, ...]
    serves_web: bool
    serves_jobs: bool
    look: Callable[[Watched, bool], Seen]
    """Watched, and whether Proofload itself started the servers: then what is not sampled does not exist."""
    reading: tuple[str, str]


def _cpu(watched: Watched, native: bool) -> Seen:
    del native
    quota = watched.seen("stack", "cpu_ratio", "throttled_ratio")
    host = watched.seen("host", "cpu_busy_ratio", "cpu_niced_ratio")
    if not quota and not host:
        return Seen(missing="neither the stack's CPU nor the host's was sampled")
    found = stretches(
        watched.samples("stack"),
        lambda s: s.get("cpu_ratio") >= QUOTA_USED and s.get("throttled_ratio") >= THROTTLED,
    )
    found += stretches(watched.samples("host"), lambda s: _host_busy(s) >= HOST_BUSY)

    def words(first: float, last: float) -> str:
        parts = []
        if quota:
            used, stopped = (watched.mean("stack", key, first, last) for key in ("cpu_ratio", "throttled_ratio"))
            parts.append(f"{share(used)} of the stage's CPU in use, stopped in {share(stopped)} of its periods")
        if host:
            busy = watched.mean("host", "cpu_busy_ratio", first, last)
            niced = watched.mean("host", "cpu_niced_ratio", first, last)
            parts.append(f"the host {share(busy - niced)} busy")
        return ", ".join(parts)

    return Seen(
        merged(found), watched.kept("stack" if quota else "host", "cpu_ratio" if quota else "cpu_busy_ratio"), words
    )


def _host_busy(sample: Sample) -> float:
    """NaN where work of low priority was not told apart: it would give way, and says nothing."""
    return sample.get("cpu_busy_ratio") - sample.get("cpu_niced_ratio")


def _memory(watched: Watched, native: bool) -> Seen:
    del native
    if not watched.seen("stack", "memory_ratio"):
        return Seen(missing="the stack's memory was not sampled, or its limit is not known")
    samples = watched.samples("stack")
    full = stretches(
        samples,
        lambda s: (
            s.get("memory_ratio") >= MEMORY_USED
            and (s.get("refaults_per_second") >= REFAULTS_PER_SECOND or math.isnan(s.get("refaults_per_second")))
        ),
    )

    def words(first: float, last: float) -> str:
        text = f"{share(watched.mean('stack', 'memory_ratio', first, last))} of the stage's memory in use"
        refaults = watched.mean("stack", "refaults_per_second", first, last)
        if refaults >= 1:
            text += f", {refaults:,.0f} dropped pages a second read again"
        kills = watched.grown("stack", "oom_kills_total", first - 1, last + 1)
        return text + (f", {kills} killed for want of memory" if kills else "")

    return Seen(merged(full + growth(samples, "oom_kills_total")), watched.kept("stack", "memory_ratio"), words)


def _disk(watched: Watched, native: bool) -> Seen:
    del native
    stalls = watched.seen("host", "psi_io_some_ratio")
    if not stalls and not watched.seen("host", "disk_busy_ratio"):
        return Seen(missing="neither waits for the disk nor its use were sampled")
    database = watched.points("postgres", "waiting_io")
    least = IO_STALLED * min(1.0, 2 / watched.host_cores)

    def saturated(sample: Sample) -> bool:
        busy = sample.get("disk_busy_ratio") >= DISK_BUSY
        if not stalls:
            return busy  # a statement that waits for a moment is everyday life
        waiting = any(value >= 1 for at, value in database if abs(at - sample.second) <= 1.5)
        return sample.get("psi_io_some_ratio") >= least and (busy or waiting)

    def words(first: float, last: float) -> str:
        parts = []
        if stalls:
            parts.append(
                f"somebody waited for it {share(watched.mean('host', 'psi_io_some_ratio', first, last))} of the time"
            )
        parts.append(f"the device {share(watched.mean('host', 'disk_busy_ratio', first, last))} busy")
        waiting = watched.mean("postgres", "waiting_io", first, last)
        if waiting > 0:
            parts.append(f"{count_of(waiting, 'statement')} of PostgreSQL waiting for it")
        return ", ".join(parts)

    key = "psi_io_some_ratio" if stalls else "disk_busy_ratio"
    return Seen(stretches(watched.samples("host"), saturated), watched.kept("host", key), words)


def _redis_memory(watched: Watched, native: bool) -> Seen:
    if not watched.seen("redis", "used_memory_bytes"):
        return nothing_seen(watched, native, "redis", "Redis was not sampled", "there is no Redis")
    samples = watched.samples("redis")
    errors = growth(samples, "out_of_memory_errors_total") + growth(samples, "evicted_keys_total")
    if not watched.seen("redis", "memory_ratio") and not errors:
        return Seen(absent="Redis has no limit of its own")
    full = stretches(samples, lambda s: s.get("memory_ratio") >= REDIS_USED)

    def words(first: float, last: float) -> str:
        text = f"{share(watched.mean('redis', 'memory_ratio', first, last))} of maxmemory in use"
        refused = watched.grown("redis", "out_of_memory_errors_total", first - 1, last + 1)
        evicted = watched.grown("redis", "evicted_keys_total", first - 1, last + 1)
        text += f", {count_of(refused, 'command')} refused for want of memory" if refused else ""
        return text + (f", {count_of(evicted, 'key')} evicted" if evicted else "")

    return Seen(merged(full + errors), watched.kept("redis", "memory_ratio"), words)


def _locks(watched: Watched, native: bool) -> Seen:
    if not watched.seen("postgres", "waiting_lock"):
        return nothing_seen(watched, native, "postgres", "PostgreSQL was not sampled", "there is no PostgreSQL")

    def words(first: float, last: float) -> str:
        waiting = watched.mean("postgres", "waiting_lock", first, last)
        return f"{count_of(waiting, 'statement')} waiting for a lock that another holds"

    return Seen(stretches(watched.samples("postgres"), lambda s: s.get("waiting_lock") >= 1), None, words)


def _connections(watched: Watched, native: bool) -> Seen:
    if not watched.seen("postgres", "connections_ratio"):
        return nothing_seen(watched, native, "postgres", "PostgreSQL was not sampled", "there is no PostgreSQL")
    samples = watched.samples("postgres")
    found = stretches(
        samples,
        lambda s: s.get("connections_free") <= 0 or s.get("connections_ratio") >= MOST_USED,
    )
    found += growth(watched.samples("application"), "connections_refused_total")
    reading = None
    if not watched.sampled("pgbouncer"):
        # Behind PgBouncer that wait is PgBouncer's. A worker without CPU to spare keeps its connections longer than the
        # database needs: then the wait is the worker's.
        waits = stretches(
            watched.samples("application"),
            lambda s: (
                s.get("pool_waiting") >= CONNECTIONS_WAITED_FOR
                and watched.near("gunicorn", "worker_cpu_ratio_mean", s.second) < WORKER_BUSY
            ),
            least_samples=1,
        )
        # Each sample is a mean over the seconds since the one before.
        period = watched.period_seconds("application")
        reading = ("application", "pool_waiting") if waits and not found else None
        found += tuple(Stretch(max(0.0, wait.start_seconds - period), wait.end_seconds) for wait in waits)

    def words(first: float, last: float) -> str:
        open_now = watched.mean("postgres", "connections", first, last)
        free = watched.mean("postgres", "connections_free", first, last)
        text = f"{open_now:.0f} connections open" + ("" if math.isnan(free) else f", {free:.0f} free")
        refused = watched.grown("application", "connections_refused_total", first - 5, last + 5)
        text += f", {refused} refused" if refused else ""
        waiting = watched.mean("application", "pool_waiting", first - 2, last + 5)
        if waiting >= CONNECTIONS_WAITED_FOR and not watched.sampled("pgbouncer"):
            text += f", {count_of(waiting, 'request')} waiting for one of the application's share"
        held = watched.mean("postgres", "idle_in_transaction", first, last)
        return text + (f"; {held:.2g} idle in a transaction that the application holds open" if held >= 1 else "")

    return Seen(merged(found), watched.kept("postgres", "connections_ratio"), words, reading=reading)


def _pgbouncer(watched: Watched, native: bool) -> Seen:
    if not watched.seen("pgbouncer", "client_waiting"):
        return nothing_seen(watched, native, "pgbouncer", "PgBouncer was not sampled", "there is no PgBouncer")

    def saturated(sample: Sample) -> bool:
        full = sample.get("pool_ratio") >= MOST_USED or math.isnan(sample.get("pool_ratio"))
        return sample.get("client_waiting") >= 1 and full

    def words(first: float, last: float) -> str:
        waiting = watched.mean("pgbouncer", "client_waiting", first, last)
        text = f"{count_of(waiting, 'client')} waiting for a connection"
        size = watched.highest("pgbouncer", "pool_size")
        text += "" if math.isnan(size) else f" of the {size:.0f} in the pool"
        active = watched.mean("postgres", "active", first, last)
        return text + ("" if math.isnan(active) else f", {count_of(active, 'statement')} running in PostgreSQL")

    return Seen(stretches(watched.samples("pgbouncer"), saturated), watched.kept("pgbouncer", "pool_ratio"), words)


def _gunicorn(watched: Watched, native: bool) -> Seen:
    key = "worker_cpu_ratio_mean" if watched.seen("gunicorn", "worker_cpu_ratio_mean") else "worker_cpu_ratio_max"
    if not watched.seen("gunicorn", key):
        return nothing_seen(watched, native, "gunicorn", "gunicorn's workers were not sampled", "there is no gunicorn")

    def words(first: float, last: float) -> str:
        workers = watched.mean("gunicorn", "workers", first, last)
        busy = watched.mean("gunicorn", key, first, last)
        text = f"{count_of(round(workers, 0), 'worker')}, {share(busy)} of a core each"
        lag = watched.mean("application", "hub_lag_seconds_max", first, last + 5)
        return text + (f", its event loop {lag * 1000:.0f} ms late" if lag >= 0.01 else "")

    return Seen(
        stretches(watched.samples("gunicorn"), lambda s: s.get(key) >= WORKER_BUSY),
        watched.kept("gunicorn", key),
        words,
    )


def _celery(queue: str) -> Callable[[Watched, bool], Seen]:
    def look(watched: Watched, native: bool) -> Seen:
        depth, age, busy = f"depth.{queue}", f"oldest_age_seconds.{queue}", f"busy_ratio.{queue}"
        if not watched.seen("celery", depth):
            others = any("depth." in key for sample in watched.samples("celery") for key in sample.values)
            if others:
                return Seen(absent=f"there is no {queue} queue")
            return nothing_seen(
                watched, native, "celery", "Celery's queues were not sampled", "there are no Celery queues"
            )

        def saturated(sample: Sample) -> bool:
            taken = sample.get(busy)
            return (
                sample.get(depth) >= 1
                and sample.get(age) >= QUEUE_AGE_SECONDS
                and (taken >= MOST_USED or math.isnan(taken))
            )

        def words(first: float, last: float) -> str:
            waiting, oldest = (watched.mean("celery", key, first, last) for key in (depth, age))
            text = f"{count_of(waiting, 'task')} waiting" + (
                "" if math.isnan(oldest) else f", the oldest for {oldest:.2g} s"
            )
            taken = watched.mean("celery", busy, first, last)
            return text + ("" if math.isnan(taken) else f", {share(min(1.0, taken))} of its slots busy")

        return Seen(stretches(watched.samples("celery"), saturated), watched.kept("celery", busy), words)

    return look


RESOURCES: tuple[Resource, ...] = (
    Resource(
        "gunicorn",
        "gunicorn's workers",
        f"mean CPU of the workers ≥ {percent(WORKER_BUSY)} of a core",
        ("pgbouncer", "postgres-connections", "postgres-locks", "redis-memory", "cpu", "memory", "disk"),
        True,
        False,
        _gunicorn,
        ("gunicorn", "worker_cpu_ratio_mean"),
    ),
    Resource(
        "pgbouncer",
        "PgBouncer's pool",
        "clients wait while every server connection is taken",
        ("postgres-connections", "postgres-locks", "cpu", "memory", "disk"),
        True,
        True,
        _pgbouncer,
        ("pgbouncer", "client_waiting"),
    ),
    Resource(
        "postgres-connections",
        "PostgreSQL's connections",
        "none is free, one is refused, or requests wait for the application's share",
        ("postgres-locks", "cpu", "memory", "disk"),
        True,
        True,
        _connections,
        ("postgres", "connections_ratio"),
    ),
    Resource(
        "celery-default",
        "the default Celery workers",
        f"tasks wait longer than {QUEUE_AGE_SECONDS:g} s while every slot is busy",
        ("redis-memory", "pgbouncer", "postgres-connections", "postgres-locks", "cpu", "memory", "disk"),
        False,
        True,
        _celery("default"),
        ("celery", "depth.default"),
    ),
    Resource(
        "celery-heavy",
        "the heavy Celery worker",
        f"tasks wait longer than {QUEUE_AGE_SECONDS:g} s while every slot is busy",
        ("redis-memory", "pgbouncer", "postgres-connections", "postgres-locks", "cpu", "memory", "disk"),
        False,
        True,
        _celery("heavy"),
        ("celery", "depth.heavy"),
    ),
    Resource(
        "postgres-locks",
        "locks in PostgreSQL",
        "a statement waits for a lock",
        ("cpu", "memory", "disk"),
        True,
        True,
        _locks,
        ("postgres", "waiting_lock"),
    ),
    Resource(
        "redis-memory",
        "Redis's memory",
        f"{percent(REDIS_USED)} of maxmemory, evictions, or refusals for want of memory",
        ("memory",),
        True,
        True,
        _redis_memory,
        ("redis", "memory_ratio"),
    ),
    Resource(
        "cpu",
        "the CPU",
        f"{percent(QUOTA_USED)} of the stage's CPU used and stopped in {percent(THROTTLED)} of its periods,"
        f" or the host {percent(HOST_BUSY)} busy",
        ("memory",),
        True,
        True,
        _cpu,
        ("stack", "cpu_ratio"),
    ),
    Resource(
        "disk",
        "the disk",
        f"waited for {percent(IO_STALLED)} of the time, and busy or in PostgreSQL's way",
        ("memory",),
        True,
        True,
        _disk,
        ("host", "psi_io_some_ratio"),
    ),
    Resource(
        "memory",
        "the memory",
        f"{percent(MEMORY_USED)} of the stage's in use and dropped pages read again, or a kill",
        (),
        True,
        True,
        _memory,
        ("stack", "memory_ratio"),
    ),
)
"""Every resource, from nginx inwards."""
