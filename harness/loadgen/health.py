"""Is the generator itself sound? One GeneratorSample each second (methodology §5)."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import time
from pathlib import Path

import gevent

from harness.analysis.histogram import quantile
from harness.loadgen.distributed.identity import worker_name
from harness.loadgen.generator import Generator
from harness.loadgen.recorder import Times
from harness.model.samples import Distribution, GeneratorSample

HEARTBEAT_SECONDS = 0.010
_PRIORITY = -10


def raise_descriptor_limit() -> int:
    """As many open files as the machine allows this user: each session and each socket is one. The limit now."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def be_woken_first() -> int:
    """Ask for a higher priority, where the user may; the nice value that it got.

    The generator needs little of a core, but needs it on time, and often shares it with the servers that it loads. What
    it takes from them makes their times longer, never shorter. Linux weighs a session's processes as one group first
    (autogroup), so that a nice value alone changes nothing between sessions: the group's is set as well, if the
    generator is the only one in it.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(_PRIORITY), encoding="ascii")
    return os.getpriority(os.PRIO_PROCESS, 0)


def calm_collector() -> None:
    """Keep garbage collection from pausing the loop.

    After the preparation thousands of users, modules and greenlets are alive for good: frozen, they are no longer
    walked through. A full collection then has only the load's own short-lived objects to look at, and comes rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def p99(times: Distribution) -> float:
    """Nearest rank, to the width of a bucket (0.8 %); 0 without values."""
    return quantile(times, 0.99) or 0.0


class Heartbeat:
    """A greenlet that wants to run every 10 ms, and notes by how much it was kept waiting: the loop's lag.

    Its beats are due at fixed times: a pause of 50 ms is five late beats and not one, as it would be for five arrivals.
    """

    def __init__(self) -> None:
        self._lags = Times()

    def run(self) -> None:
        """Forever."""
        due = time.monotonic()
        while True:
            due += HEARTBEAT_SECONDS
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._lags.add(max(0.0, time.monotonic() - due))

    def take(self) -> Distribution:
        """The lags since the last call."""
        lags, self._lags = self._lags, Times()
        return lags.value()


class Health:
    """Reads this process's own figures."""

    def __init__(self, generator: Generator, heartbeat: Heartbeat) -> None:
        self._generator = generator
        self._heartbeat = heartbeat
        self._at = time.monotonic()
        self._cpu = time.process_time()
        self._worker = worker_name()
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        # Kept open: when the process has run out of descriptors, its health is still to be told.
        self._memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def sample(self) -> GeneratorSample:
        """The second, or what there was of it, since the last sample."""
        generator = self._generator
        counts, meter = generator.counts, generator.meter
        now, cpu = time.monotonic(), time.process_time()
        elapsed = max(1e-6, now - self._at)
        used = (cpu - self._cpu) / elapsed
        self._at, self._cpu = now, cpu
        loop = self._heartbeat.take()
        lags, counts.lags = counts.lags.value(), Times()
        busy, service = meter.totals()
        return GeneratorSample(
            monotonic_seconds=now,
            worker=self._worker,
            cpu_ratio=used,
            loop_lag_p99_seconds=p99(loop),
            loop_lag_max_seconds=loop.max_seconds,
            schedule_lag_p99_seconds=p99(lags),
            schedule_lag_max_seconds=lags.max_seconds,
            intended=counts.intended,
            started=counts.started,
            completed=counts.completed,
            failed=counts.failed,
            dropped=counts.dropped,
            late=counts.late,
            in_flight=counts.in_flight,
            waiting=counts.waiting,
            requests_started=meter.started,
            requests_completed=meter.completed,
            requests_failed=meter.failed,
            requests_in_flight=meter.in_flight,
            busy_seconds=busy,
            service_sum_seconds=service,
            sockets=generator.sockets,
            rss_bytes=self._resident_bytes(),
            client_errors=dict(generator.client_errors),
            loop_lag=loop,
            schedule_lag=lags,
        )

    def _resident_bytes(self) -> int:
        return int(os.pread(self._memory, 128, 0).split()[1]) * self._page_bytes
