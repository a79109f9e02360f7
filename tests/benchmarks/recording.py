"""Full recording in a closed loop: what a plan's conductor does each second, without a plan."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from harness.loadgen import locust_stats
from harness.loadgen.arrivals import ArrivalUser
from harness.loadgen.director import sleep_until
from harness.loadgen.evidence import Evidence, files_of
from harness.loadgen.generator import Generator
from harness.loadgen.health import Health, Heartbeat, calm_collector
from harness.loadgen.hooks import hook
from harness.loadgen.recorder import Recorder
from harness.store.layout import RunDirectory

THRESHOLDS_SECONDS = (0.1, 0.3, 0.5, 1.0)
_ROWS_AT_ONCE = 4


def install() -> None:
    """Record every request of this locustfile's users into the run directory BENCH_RUN."""
    hook(events.init, _on_init)
    gevent.config.track_greenlet_tree = False  # as harness.loadgen.boot does


def _on_init(environment: Environment, **_: Any) -> None:
    run = RunDirectory(Path(os.environ["BENCH_RUN"]))
    run.path.mkdir(parents=True, exist_ok=True)
    generator = Generator(environment, lambda _: None, evidence=Evidence(**files_of(run)))
    generator.recorder = Recorder(THRESHOLDS_SECONDS)
    generator.start_seconds = time.monotonic()
    ArrivalUser.generator = generator
    heartbeat = Heartbeat()
    health = Health(generator, heartbeat)
    hook(environment.events.spawning_complete, lambda **_: calm_collector())
    gevent.spawn(heartbeat.run)
    ticking = gevent.spawn(_tick, generator, health, environment)

    def finish(**_: Any) -> None:
        ticking.kill()
        _flush(generator, health, environment, pausing=False)

    hook(environment.events.quitting, finish)


def _tick(generator: Generator, health: Health, environment: Environment) -> None:
    second = 0
    while True:
        second += 1
        sleep_until(generator.start_seconds + second)
        _flush(generator, health, environment, pausing=True)


def _flush(generator: Generator, health: Health, environment: Environment, *, pausing: bool) -> None:
    evidence = generator.evidence
    assert evidence is not None
    rows = generator.recorder.take()
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[first : first + _ROWS_AT_ONCE]
        evidence.requests.append(*some)
        locust_stats.feed(environment.stats, some)
        if pausing:
            gevent.sleep(0)
    evidence.generator.append(health.sample())
