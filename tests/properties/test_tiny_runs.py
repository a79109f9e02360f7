"""However small a plan's rates: a sound run of it is never INVALID, and nothing that was due may be missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.checks import run_checks
from harness.analysis.judge import judge
from harness.model.evidence import Evidence
from harness.model.plan import Arrivals
from harness.model.verdict import Outcome
from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES
from harness.planning.schedule import schedule
from targets.loader import load_target
from tests.support.tiny import simulate

CALM = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
FLIGHT = load_target("flight-school")


def run(target, normal, peak, *, seed=7, arrivals=Arrivals.POISSON, users=0.0, **how) -> Evidence:
    stage = target.stages[0]
    figures = {"normal_rps": normal, "peak_rps": peak, "normal_users": users, "concurrent_users": users}
    load = tuple(
        replace(each, value=figures[each.name], high=None)
        if each.name in figures
        else replace(each, value=min(each.value, normal / 100), high=None)
        if each.name == "upload_rate"
        else each
        for each in stage.load
    )
    stage = replace(stage, load=load)
    return simulate(target, stage, build_plan(target, stage, PROFILES[0], seed, arrivals), **how)


rates = st.floats(0.001, 6.0)


@CALM
@given(
    st.sampled_from(("flight-school", "lectio")),
    rates,
    rates,
    st.integers(0, 10_000),
    st.sampled_from(Arrivals),
    st.just(0.0) | st.floats(0.001, 12.0),
    st.floats(0.0, 0.999),
    st.floats(0.002, 0.4),
)
def test_no_sound_tiny_run_is_invalid(system, one, other, seed, arrivals, users, phase, response):
    evidence = run(
        load_target(system),
        min(one, other),
        max(one, other),
        seed=seed,
        arrivals=arrivals,
        users=users,
        phase=phase,
        response=response,
    )
    verdict = judge(evidence)
    unsound = [each for each in verdict.checks if each.taints and each.passed is not True]
    assert not unsound, [(each.id, each.level, each.value, each.reason) for each in unsound]
    assert verdict.outcome is not Outcome.INVALID


@CALM
@given(rates, st.integers(0, 10_000), st.sampled_from(("requests", "nginx_requests", "generator")))
def test_what_was_due_may_not_be_missing(peak, seed, lost):
    whole = run(FLIGHT, peak / 3, peak, seed=seed)
    evidence = replace(whole, **{lost: ()})
    checks = {
        (each.id, each.level): each.passed
        for each in run_checks(evidence)
        if each.id in ("offered-rate", "nginx-count", "sent-intended")
    }
    for level in evidence.plan.levels:
        sent = sum(
            row.offered
            for row in whole.requests
            if level.start_seconds <= row.second < level.end_seconds and row.kind in ("http", "upload")
        )
        sessions = any(
            level.start_seconds <= each.seconds < level.end_seconds and not each.probe
            for each in schedule(evidence.plan)
        )
        match lost:
            case "requests" if sessions:
                assert checks["offered-rate", level.name] is None
                assert checks["nginx-count", level.name] is None
            case "nginx_requests" if sent > 20:
                assert checks["nginx-count", level.name] is False
            case "generator":
                assert checks["sent-intended", level.name] is None


def test_flight_schools_smallest_stage():
    stage = FLIGHT.stages[0]
    verdict = judge(simulate(FLIGHT, stage, build_plan(FLIGHT, stage, PROFILES[0], 7)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert [each.id for each in verdict.checks if each.taints and not each.passed] == []
    for cell in verdict.verdicts:
        if cell.slo_id in ("response-time", "load-carried"):
            assert cell.outcome is Outcome.INCONCLUSIVE
            assert "measured at" in cell.reason
    assert "measured at 0.116/s, a run of" in next(c.reason for c in verdict.verdicts if c.level == "recovery")


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_small_load_that_is_not_the_planned_one_is_still_found(factor):
    evidence = run(FLIGHT, 1.0, 3.0)
    other = run(FLIGHT, 1.0 * factor, 3.0 * factor)
    found = run_checks(replace(evidence, requests=other.requests))
    assert any(each.id == "offered-rate" and each.passed is False for each in found)
