"""Stages of the five systems really start, with their sizes read back, and stop. What the host is too small for starts
capped at the host, and says so.

Without PROOFLOAD_STAGES=1 (``make stages``) three of them, chosen for what they have: every stage takes its time.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.model.run import HOST_CAPPED
from harness.planning.sizing import Audience, audience_of, size_of
from harness.stack.cleanup import clean_up
from harness.stack.compose import ComposeStack
from harness.stack.host import host_size
from harness.stack.native import NativeStack
from harness.store.layout import create_run_directory
from targets.loader import load_target
from tests.stack_contract.engine import no_images

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

SYSTEMS = ("lectio", "course-organizer", "chitlaq", "flight-school", "mina")
FEW = (
    ("native", "lectio", "C"),  # PgBouncer, a replica, two application servers, both queues: larger than most hosts
    ("compose", "lectio", "C"),
    ("compose", "flight-school", "1"),  # the same in small
)
EVERY = tuple(
    (kind, system, stage.name)
    for kind in ("native", "compose")
    for system in SYSTEMS
    for stage in load_target(system).stages
)
PEOPLE = 200
"""Of each kind at most: what is asked here is whether the servers come up with their sizes, not how long data takes."""


@pytest.mark.parametrize(("kind", "system", "name"), EVERY if os.environ.get("PROOFLOAD_STAGES") else FEW)
def test_a_stage_starts_reads_back_its_sizes_and_stops(kind: str, system: str, name: str, runs: Path) -> None:
    if kind == "compose" and (why := no_images()):
        pytest.skip(why)
    target = load_target(system)
    stage = target.stage(name)
    size = size_of(stage)
    planned = audience_of(target, stage)
    audience = Audience(planned.product, tuple((role, min(count, PEOPLE)) for role, count in planned.people))
    run = create_run_directory(runs, system, name, "stages", datetime.now(UTC))
    made = ComposeStack if kind == "compose" else NativeStack
    with made(run, size, audience=audience, seed=7, report=lambda _: None) as stack:
        running = stack.start()
        assert [row for row in running.read_back if row.matches is False] == []
        read = {(row.component, row.setting): row.effective for row in running.read_back}
        assert read["postgres", "max_connections"] == f"{size.postgres_max_connections}"
        assert ("replica", "max_connections") in read or not size.read_replicas
        assert int(read["app", "servers"]) == min(size.app_servers, size.gunicorn_workers)
        capped = {line.rpartition(" ")[2] for line in running.deviations if line.startswith(HOST_CAPPED)}
        host = host_size()
        assert ("CPU" in capped) == (host.cpu_cores < size.cpu_cores)
        assert ("memory" in capped) == (host.memory_bytes < size.memory_bytes)
        if running.limits_enforced:
            assert read["stack", "CPU"] == f"{min(host.cpu_cores, size.cpu_cores):g} CPU"
    assert clean_up(runs, live=True) == (), "nothing is left"
