"""The plan and the schedule together: what is offered is what was planned."""

from __future__ import annotations

import pytest

from harness.model.plan import Arrivals, PhaseName
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.planning.schedule import held_changes, schedule
from targets.loader import load_target

LECTIO = load_target("lectio")


@pytest.mark.parametrize("arrivals", list(Arrivals))
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_stage_a_is_offered_its_rate_at_every_level(seed: int, arrivals: Arrivals) -> None:
    plan = build_plan(LECTIO, LECTIO.stage("A"), profile_named("smoke"), seed, arrivals)
    steps = {flow.name: flow.http_steps for flow in plan.flows}
    offered = [arrival for arrival in schedule(plan) if not arrival.probe]
    for level in plan.levels:
        measure = level.phase(PhaseName.MEASURE)
        inside = [its for its in offered if measure.start_seconds <= its.seconds < measure.end_seconds]
        requests = sum(steps[arrival.flow] for arrival in inside)
        # Less than an arrival of each flow is carried over an edge: 7 + 6 + 8 requests at most.
        assert requests == pytest.approx(level.rate.value * measure.duration_seconds, abs=21)
        messages = sum(arrival.flow == "classroom" for arrival in inside)
        assert messages == pytest.approx(level.message_rate_per_second * measure.duration_seconds, abs=1)


def test_the_probes_are_in_the_schedule() -> None:
    plan = build_plan(LECTIO, LECTIO.stage("A"), profile_named("smoke"), 7)
    assert sum(arrival.probe for arrival in schedule(plan)) == 12


def test_sockets_opened_and_closed_end_at_the_normal_level() -> None:
    plan = build_plan(LECTIO, LECTIO.stage("A"), profile_named("smoke"), 7)
    changes = list(held_changes(plan.held))
    assert sum(change for _, change in changes) == 309
    opened_per_second: dict[int, int] = {}
    for seconds, change in changes:
        if change > 0:
            opened_per_second[int(seconds)] = opened_per_second.get(int(seconds), 0) + 1
    assert max(opened_per_second.values()) <= 990 / 8 + 1
