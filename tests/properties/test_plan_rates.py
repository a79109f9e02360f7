"""Whatever the mix and the rates: the requests expected of all flows are the level's rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.plan import LoadPlan, PhaseName
from harness.model.target import CapacityTarget, Flow, FlowKind, Stage
from harness.model.units import Unit
from harness.planning.budget import expected_between
from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES

CITATION = Citation("plan.md", "here")


def figure(name: str, value: float, unit: Unit, high: float | None = None) -> Figure:
    return Figure(name, value, unit, Provenance.STATED, CITATION, high)


@st.composite
def plans(draw: st.DrawFn) -> LoadPlan:
    weights = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    flows = tuple(
        Flow(f"http{index}", FlowKind.HTTP, "User", weight / sum(weights), draw(st.integers(1, 12)))
        for index, weight in enumerate(weights)
    )
    normal, extra = draw(st.floats(1, 300)), draw(st.floats(0, 300))
    users = draw(st.integers(0, 3000))
    uploads = normal / 1000
    load = (
        figure("normal_rps", normal, Unit.PER_SECOND),
        figure("peak_rps", normal, Unit.PER_SECOND, normal + extra),
        figure("normal_users", users // 2, Unit.COUNT),
        figure("concurrent_users", users, Unit.COUNT),
        figure("message_rate_per_user", draw(st.floats(0, 0.1)), Unit.PER_SECOND),
        figure("upload_rate", uploads, Unit.PER_SECOND, uploads * draw(st.floats(1, 2))),
    )
    others = (
        Flow("room", FlowKind.SOCKETIO, "Room", 0, 0),
        Flow("upload", FlowKind.UPLOAD, "Uploader", 0, draw(st.floats(1, 20))),
    )
    stage = Stage("1", "One", (), (), (), load, (), Statement("none", CITATION), (), (), (), CITATION)
    target = CapacityTarget("any", "Any", "plan.md", "any.py", flows + others, (stage,), ())
    return build_plan(target, stage, draw(st.sampled_from(PROFILES)), seed=draw(st.integers(0, 2**32)))


@given(plans())
def test_all_requests_of_a_measure_phase_add_up_to_the_level_s_rate(plan: LoadPlan) -> None:
    for level in plan.levels:
        measure = level.phase(PhaseName.MEASURE)
        requests = sum(
            expected_between(segment, measure.start_seconds, measure.end_seconds) * plan.flow(stream.flow).http_steps
            for stream in plan.streams
            for segment in stream.segments
        )
        assert requests == pytest.approx(level.rate.value * measure.duration_seconds, rel=1e-9)


@given(plans())
def test_streams_lie_within_the_run_and_never_overlap(plan: LoadPlan) -> None:
    for stream in plan.streams:
        assert all(before.end_seconds <= after.start_seconds + 1e-9 for before, after in pairwise(stream.segments))
        if stream.segments:
            assert stream.segments[0].start_seconds >= 0
            assert stream.segments[-1].end_seconds <= plan.duration_seconds


@given(plans())
def test_the_sockets_held_are_those_of_the_level_all_through_its_measure_phase(plan: LoadPlan) -> None:
    times = [seconds for seconds, _ in plan.held.points]
    assert times == sorted(times)
    for level in plan.levels:
        measure = level.phase(PhaseName.MEASURE)
        for seconds in (measure.start_seconds, measure.end_seconds):
            assert held_at(plan, seconds) == pytest.approx(round(level.users.value))


def held_at(plan: LoadPlan, seconds: float) -> float:
    for (start, before), (end, after) in pairwise(plan.held.points):
        if start <= seconds <= end and end > start:
            return before + (after - before) * (seconds - start) / (end - start)
    return plan.held.points[-1][1]
