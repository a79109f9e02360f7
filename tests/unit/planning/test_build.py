"""From a stage to a load plan: stage A's arithmetic, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from harness.errors import PlanError
from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import Arrivals, LevelName, LoadPlan, Phase, PhaseName, Segment, Stream
from harness.model.target import CapacityTarget, FlowKind, Stage
from harness.model.units import Unit
from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES, Profile, profile_named
from harness.store.jsonl import decode, encode
from targets.loader import load_target

LECTIO = load_target("lectio")
STAGE_A = LECTIO.stage("A")
SMOKE = profile_named("smoke")


def plan(profile: Profile = SMOKE, stage: Stage = STAGE_A, target: CapacityTarget = LECTIO) -> LoadPlan:
    return build_plan(target, stage, profile, seed=7)


def stream(of: LoadPlan, flow: str) -> Stream:
    return next(stream for stream in of.streams if stream.flow == flow)


def without(stage: Stage, name: str) -> Stage:
    return replace(stage, load=tuple(figure for figure in stage.load if figure.name != name))


def with_load(stage: Stage, name: str, value: float, unit: Unit) -> Stage:
    figure = Figure(name, value, unit, Provenance.STATED, Citation("d", "s"))
    return replace(stage, load=(*without(stage, name).load, figure))


def test_the_levels_and_where_their_rates_come_from() -> None:
    levels = plan().levels
    assert [level.name for level in levels] == ["normal", "peak", "3x-peak", "recovery"]
    assert [level.rate.value for level in levels] == [50, 80, 240, 50]
    assert [level.rate.provenance for level in levels] == ["assumed", "stated", "derived", "assumed"]
    assert [level.users.value for level in levels] == [309, 495, 1485, 309]
    assert levels[2].rate.note == "3 × 80/s"
    assert "upper end" in levels[1].rate.note


def test_of_a_range_of_concurrent_users_the_peak_has_the_upper_end() -> None:
    users = Figure("concurrent_users", 500, Unit.COUNT, Provenance.STATED, Citation("d", "s"), 800)
    stage = without(STAGE_A, "concurrent_users")
    levels = plan(stage=replace(stage, load=(*stage.load, users))).levels
    assert [level.users.value for level in levels] == [309, 800, 2400, 309]
    assert "upper end" in levels[1].users.note


def test_messages_and_uploads_follow_the_users_and_the_plan() -> None:
    levels = plan().levels
    assert [level.message_rate_per_second for level in levels] == pytest.approx([309 / 60, 8.25, 24.75, 309 / 60])
    assert [level.upload_rate_per_second * 3600 for level in levels] == pytest.approx([10, 20, 60, 10])


def test_the_phases_follow_each_other_without_a_gap() -> None:
    phases = [phase for level in plan().levels for phase in level.phases]
    assert phases[0].start_seconds == 0
    assert [phase.duration_seconds for phase in phases[:4]] == [3, 7, 30, 3]
    assert all(before.end_seconds == after.start_seconds for before, after in pairwise(phases))
    assert plan().duration_seconds == 172


def test_sessions_make_the_level_s_rate_with_the_uploads_requests() -> None:
    # Peak: (80 − 20/3600 × 8) ÷ (0.2 × 7 + 0.8 × 6) = 12.896 sessions/s, a fifth of them teachers' (2.579/s).
    measure = plan().level("peak").phase(PhaseName.MEASURE)
    rates = {
        flow: {segment.start_rate_per_second for segment in stream(plan(), flow).segments if inside(segment, measure)}
        for flow in ("teacher", "student", "upload")
    }
    assert {flow: len(rate) for flow, rate in rates.items()} == {"teacher": 1, "student": 1, "upload": 1}
    assert rates["teacher"].pop() == pytest.approx(2.57921, abs=1e-5)
    assert rates["student"].pop() == pytest.approx(10.31685, abs=1e-5)
    assert rates["upload"].pop() == pytest.approx(20 / 3600)


def inside(segment: Segment, phase: Phase) -> bool:
    return phase.start_seconds <= segment.start_seconds < phase.end_seconds


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("flow", ["teacher", "student", "classroom", "upload"])
def test_segments_are_continuous_but_at_the_end_of_a_measure_phase(flow: str, profile: Profile) -> None:
    its = plan(profile)
    measure_ends = {level.phase(PhaseName.MEASURE).end_seconds for level in its.levels}
    for before, after in pairwise(stream(its, flow).segments):
        assert before.end_seconds <= after.start_seconds
        if before.end_seconds not in measure_ends:
            assert after.start_seconds == before.end_seconds
            assert after.start_rate_per_second == pytest.approx(before.end_rate_per_second)


def test_arrivals_pause_in_a_drain_but_after_3x_peak_at_the_normal_rate() -> None:
    its = plan()
    normal = stream(its, "student").segments[1].start_rate_per_second
    for level in its.levels:
        drain = level.phase(PhaseName.DRAIN)
        rates = [segment.start_rate_per_second for segment in stream(its, "student").segments if inside(segment, drain)]
        assert rates == ([normal] if level.name is LevelName.PROOF else [])


def test_recovery_begins_at_the_normal_rate_without_a_second_ramp() -> None:
    its = plan()
    ramp = its.level("recovery").phase(PhaseName.RAMP)
    (segment,) = [segment for segment in stream(its, "student").segments if inside(segment, ramp)]
    assert segment.start_rate_per_second == segment.end_rate_per_second


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_the_measure_phase_is_cut_at_its_batches(profile: Profile) -> None:
    its = plan(profile)
    for level in its.levels:
        measure = level.phase(PhaseName.MEASURE)
        cut = [segment for segment in stream(its, "teacher").segments if inside(segment, measure)]
        assert len(cut) == profile.batches
        assert cut[0].start_seconds == pytest.approx(measure.start_seconds)


def test_sockets_are_opened_over_ramp_and_settle_and_closed_when_3x_peak_ends() -> None:
    assert plan().held.points == (
        (0.0, 0),
        (8.0, 309),
        (43.0, 309),
        (51.0, 495),
        (86.0, 495),
        (94.0, 1485),
        (126.0, 1485),
        (132.0, 309),
        (172.0, 309),
    )


def test_smoke_has_three_probe_uploads_spread_over_each_measure_phase() -> None:
    assert [level.probe_uploads for level in plan().levels] == [3, 3, 3, 3]
    assert stream(plan(), "upload").extra_seconds[:6] == (15, 25, 35, 58, 68, 78)


def test_longer_profiles_probe_only_where_the_plan_gives_no_upload() -> None:
    # 180 s at 10/h: half an upload; at 20/h one; at 60/h three.
    assert [level.probe_uploads for level in plan(profile_named("standard")).levels] == [3, 0, 0, 3]
    assert [level.probe_uploads for level in plan(profile_named("nightly")).levels] == [0, 0, 0, 0]


def test_what_the_generator_needs() -> None:
    its = build_plan(LECTIO, STAGE_A, SMOKE, 11, Arrivals.CONSTANT)
    assert (its.system, its.stage, its.profile, its.seed, its.arrivals) == ("lectio", "A", "smoke", 11, "constant")
    assert its.thresholds_seconds == (0.5, 2.0)
    assert its.room_size == 11
    assert its.think_seconds == (0.5, 1.0)
    assert (its.request_timeout_seconds, its.job_timeout_seconds) == (10, 60)
    assert its.recovery_bound_seconds == 30
    assert its.batch_seconds == 3
    # 38.69 sessions/s at 3x-peak, each 6 × 1 s of pauses and 7 × 2 s of responses at most, and half as much again.
    assert its.max_in_flight == 1161
    assert its.max_waiting == 387


def test_assumptions_are_those_of_the_load() -> None:
    names = [figure.name for figure in plan().assumptions]
    assert "normal_rps" in names
    assert "peak_rps" not in names
    assert all(figure.note for figure in plan().assumptions)


def test_a_plan_survives_being_written_and_read() -> None:
    assert decode(LoadPlan, encode(plan())) == plan()


@pytest.mark.parametrize("stage", LECTIO.stages, ids=lambda stage: stage.name)
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_stage_has_a_plan_for_every_profile(stage: Stage, profile: Profile) -> None:
    its = plan(profile, stage)
    assert its.level("peak").rate.value == stage.figure("peak_rps").top
    assert its.level("3x-peak").rate.value == 3 * stage.figure("peak_rps").top


@pytest.mark.parametrize("name", ["normal_rps", "peak_rps", "normal_users", "concurrent_users", "upload_rate"])
def test_a_stage_without_a_figure_says_which(name: str) -> None:
    with pytest.raises(PlanError, match=f"has no figure {name}") as caught:
        plan(stage=without(STAGE_A, name))
    assert caught.value.where == (f"lectio › stage A › load.{name}",)


def test_uploads_that_alone_make_more_than_the_rate_are_a_mistake() -> None:
    with pytest.raises(PlanError, match="uploads alone"):
        plan(stage=with_load(STAGE_A, "upload_rate", 10, Unit.PER_SECOND))


def test_a_normal_level_above_the_peak_is_a_mistake() -> None:
    with pytest.raises(PlanError, match=r"normal level above its peak: 90/s, 80/s"):
        plan(stage=with_load(STAGE_A, "normal_rps", 90, Unit.PER_SECOND))


def test_a_system_of_http_alone_needs_no_users_and_no_uploads() -> None:
    http = replace(LECTIO, flows=tuple(flow for flow in LECTIO.flows if flow.kind is FlowKind.HTTP))
    stage = without(without(without(STAGE_A, "concurrent_users"), "normal_users"), "upload_rate")
    its = plan(stage=stage, target=http)
    assert [level.users.value for level in its.levels] == [0, 0, 0, 0]
    assert [level.probe_uploads for level in its.levels] == [0, 0, 0, 0]
    assert {flow.flow for flow in its.streams} == {"teacher", "student"}
    assert {count for _, count in its.held.points} == {0}


def test_defaults_where_a_stage_says_nothing() -> None:
    stage = STAGE_A
    for name in ("think_time", "request_timeout", "room_size", "message_rate_per_user", "proof_factor"):
        stage = without(stage, name)
    its = plan(stage=replace(stage, slos=()))
    assert its.think_seconds == (0.5, 1.0)
    assert its.request_timeout_seconds == 10
    assert its.level("3x-peak").rate.value == 240
    assert its.recovery_bound_seconds == 172 - 126
    assert stream(its, "classroom").segments == ()
