"""The load plans of a search's trials: stage A's mix at any rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PlanError
from harness.model.plan import LevelName, LoadPlan, PhaseName
from harness.model.target import FlowKind
from harness.planning.budget import expected_between
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.planning.trials import (
    CONNECTS_PER_SECOND,
    TRIAL_PROFILES,
    UPLOAD_SLIS,
    highest_rate,
    search_settings,
    trial_plan,
    trial_profile_named,
    trial_stage,
    uploads_due,
)
from tests.support.searches import LECTIO, SMOKE, STAGE_A


def plan(rate: float, seconds: float = 20, profile: str = "smoke") -> LoadPlan:
    return trial_plan(LECTIO, STAGE_A, trial_profile_named(profile), rate, seconds, seed=7)


def requests(of: LoadPlan) -> float:
    measure = of.levels[0].phase(PhaseName.MEASURE)
    return sum(
        expected_between(segment, measure.start_seconds, measure.end_seconds) * of.flow(stream.flow).http_steps
        for stream in of.streams
        for segment in stream.segments
    )


@given(st.floats(2, 1500), st.sampled_from((20.0, 30.0, 40.0, 60.0, 180.0)), st.sampled_from(TRIAL_PROFILES))
def test_everything_of_the_mix_grows_in_proportion(rate: float, seconds: float, profile) -> None:
    made = trial_plan(LECTIO, STAGE_A, profile, rate, seconds, seed=7)
    (level,) = made.levels
    factor = rate / 80
    assert level.name is LevelName.PEAK
    assert level.rate.value == pytest.approx(rate)
    assert requests(made) == pytest.approx(rate * seconds, rel=1e-9)
    assert level.users.value == pytest.approx(495 * factor)
    assert level.message_rate_per_second == pytest.approx(8.25 * factor)
    assert level.upload_rate_per_second * 3600 == pytest.approx(20 * factor)
    assert made.held.points[-1][1] == round(495 * factor)
    assert not any(stream.extra_seconds for stream in made.streams), "probes are no part of the mix"


@given(st.floats(2, 1500), st.sampled_from((20.0, 30.0, 40.0, 60.0)))
def test_the_phases_hold_whole_batches_and_open_no_storm_of_sockets(rate: float, seconds: float) -> None:
    made = plan(rate, seconds)
    (level,) = made.levels
    assert level.phase(PhaseName.MEASURE).duration_seconds == pytest.approx(seconds)
    assert (seconds / made.batch_seconds) == pytest.approx(round(seconds / made.batch_seconds))
    assert round(seconds / made.batch_seconds) >= 10
    rises = [(after - before) / (end - start) for (start, before), (end, after) in pairwise(made.held.points)]
    assert max(rises) <= CONNECTS_PER_SECOND * 1.01


def test_at_the_planned_peak_a_trial_offers_what_a_run_offers_at_its_peak() -> None:
    run = build_plan(LECTIO, STAGE_A, profile_named("smoke"), seed=7).level("peak")
    (level,) = plan(80).levels
    assert (level.rate.value, level.users.value) == (run.rate.value, run.users.value)
    assert level.message_rate_per_second == run.message_rate_per_second
    assert level.upload_rate_per_second == run.upload_rate_per_second


def test_a_trial_is_judged_by_the_peak_s_slos_and_by_uploads_only_when_one_is_due() -> None:
    short, long = plan(80), plan(320, 300, "nightly")
    assert (uploads_due(short), uploads_due(long)) == (0, 8)
    ids = [slo.id for slo in trial_stage(STAGE_A, short).slos]
    assert "response-time" in ids
    assert "oom-kills" in ids
    assert "recovery" not in ids, "only 3x-peak has one"
    assert not {slo.sli for slo in trial_stage(STAGE_A, short).slos} & set(UPLOAD_SLIS)
    assert {slo.levels for slo in trial_stage(STAGE_A, long).slos} == {("peak",)}
    assert "uploads-finished" in [slo.id for slo in trial_stage(STAGE_A, long).slos]


def test_without_sockets_a_trial_settles_as_the_profile_says() -> None:
    flows = tuple(flow for flow in LECTIO.flows if flow.kind is FlowKind.HTTP)
    made = trial_plan(replace(LECTIO, flows=flows), STAGE_A, SMOKE, 800, 20, seed=7)
    assert [phase.duration_seconds for phase in made.levels[0].phases] == [2, 5, 20, 1]
    assert made.held.points[-1][1] == 0


def test_a_search_begins_at_the_planned_peak_and_stays_where_its_generator_can_be_believed() -> None:
    settings = search_settings(LECTIO, STAGE_A, SMOKE)
    assert settings.first_rate_per_second == 80
    assert settings.lowest_rate_per_second == 2.5
    # 0.8 of a core ÷ (0.27 ms a request + 8.25/80 × 0.42 ms a message + 82.5/80 × 0.21 ms a delivery)
    assert settings.highest_rate_per_second == pytest.approx(0.8 / (0.27e-3 + 8.25 / 80 * (0.42e-3 + 10 * 0.21e-3)))
    assert settings.highest_rate_per_second == highest_rate(LECTIO, STAGE_A, SMOKE)
    assert settings.overhead_seconds > 8


@pytest.mark.parametrize("first", [-1.0, 0.0, 1e6])
def test_a_first_rate_that_cannot_be_is_refused(first: float) -> None:
    with pytest.raises(PlanError, match="cannot begin"):
        search_settings(LECTIO, STAGE_A, SMOKE, first_rate_per_second=first)


def test_a_stage_that_promises_nothing_at_its_peak_cannot_be_searched() -> None:
    with pytest.raises(PlanError, match="promises nothing"):
        search_settings(LECTIO, replace(STAGE_A, slos=()), SMOKE)


@pytest.mark.parametrize("profile", TRIAL_PROFILES, ids=lambda profile: profile.name)
def test_a_confirmation_is_at_least_as_long_as_the_longest_extension(profile) -> None:
    assert profile.confirm_seconds >= profile.longest_extension * profile.phases.measure_seconds


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(PlanError, match="no profile"):
        trial_profile_named("weekly")
