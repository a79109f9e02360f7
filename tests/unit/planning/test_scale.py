"""A stage made smaller: load and servers together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PlanError
from harness.model.figure import Provenance
from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES
from harness.planning.scale import LOAD, SIZES, scaled
from harness.planning.sizing import audience_of, connection_budget, size_of
from targets.loader import load_target

LECTIO = load_target("lectio")
GIB = 1024**3


def test_load_and_servers_shrink_together() -> None:
    stage = scaled(LECTIO.stage("C"), 0.25)
    size = size_of(stage)
    assert (size.cpu_cores, size.memory_bytes, size.disk_bytes) == (2, 4 * GIB, 175 * GIB)
    assert (size.gunicorn_workers, size.celery_default_concurrency, size.celery_heavy_workers) == (2, 1, 1)
    assert (size.postgres_max_connections, size.postgres_shared_buffers_bytes) == (50, GIB)
    assert (size.pgbouncer_pool_size, size.pgbouncer_max_client_connections) == (15, 500)
    assert str(audience_of(LECTIO, stage)) == "375 teachers, 3,750 students"
    plan = build_plan(LECTIO, stage, PROFILES[0], seed=7)
    assert [level.rate.value for level in plan.levels] == [62.5, 100, 300, 62.5]
    assert [level.users.value for level in plan.levels] == [387, 619, 1857, 387]


def test_what_belongs_to_one_process_or_one_session_stays() -> None:
    stage, small = LECTIO.stage("C"), scaled(LECTIO.stage("C"), 0.25)
    for name in ("celery_max_memory_per_child", "statement_timeout", "room_size", "think_time", "proof_factor"):
        assert small.figure(name) == stage.figure(name)
    assert small.slos == stage.slos


def test_no_scaled_figure_is_called_stated_and_assumed_ones_stay_assumed() -> None:
    stage = scaled(LECTIO.stage("A"), 0.5)
    peak, normal = stage.figure("peak_rps"), stage.figure("normal_rps")
    assert (peak.provenance, peak.note) == (Provenance.DERIVED, "0.5 × 50/s to 80/s, for a rehearsal")
    assert (peak.value, peak.high) == (25, 40)
    assert normal.provenance is Provenance.ASSUMED


@pytest.mark.parametrize("factor", [0.0, -1.0, 1.5])
def test_a_factor_that_is_no_share_is_refused(factor: float) -> None:
    with pytest.raises(PlanError, match="cannot be scaled") as caught:
        scaled(LECTIO.stage("A"), factor)
    assert "0.25" in caught.value.hint


def test_the_whole_is_the_stage_itself() -> None:
    assert scaled(LECTIO.stage("A"), 1) is LECTIO.stage("A")


def test_too_small_for_a_connection_is_an_error_that_says_so() -> None:
    with pytest.raises(PlanError, match="database connections are not enough"):
        connection_budget(size_of(scaled(LECTIO.stage("A"), 0.05)))


@given(st.sampled_from(LECTIO.stages), st.floats(0.001, 1.0))
def test_nothing_grows_and_nothing_vanishes(stage, factor: float) -> None:
    small = scaled(stage, factor)
    for before, after in zip(stage.figures, small.figures, strict=True):
        assert 0 <= after.value <= before.value
        assert (after.value == 0) == (before.value == 0)
        if before.name not in (*LOAD, *SIZES, *(figure.name for figure in stage.audience)):
            assert after == before
    size_of(small)
    build_plan(LECTIO, replace(small), PROFILES[0], seed=1)
