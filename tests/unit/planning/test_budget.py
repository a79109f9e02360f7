"""The dry run: expected counts and sample sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.plan import Segment
from harness.model.target import FlowKind, Stage
from harness.planning.budget import Budget, budget, expected_between, least_sample
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from targets.loader import load_target
from tests.support.rules import band, slow, timed, uptime

LECTIO = load_target("lectio")


def dry_run(profile: str = "smoke") -> Budget:
    stage = LECTIO.stage("A")
    return budget(build_plan(LECTIO, stage, profile_named(profile), 7), stage)


@pytest.mark.parametrize(("allowed", "needed"), [(0.05, 59), (0.01, 299), (0.001, 2995), (0.0005, 5990)])
def test_the_least_sample_is_the_table_of_the_methodology(allowed: float, needed: int) -> None:
    assert least_sample(allowed) == needed


@pytest.mark.parametrize("allowed", [0.0, 1.0])
def test_no_sample_shows_none_or_all(allowed: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        least_sample(allowed)


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 10, 100), (0, 5, 25), (5, 10, 75), (-5, 5, 25), (10, 20, 0), (4, 6, 20)]
)
def test_the_arrivals_between_two_times_are_the_area_below_the_line(start: float, end: float, expected: float) -> None:
    assert expected_between(Segment(0, 10, 0, 20), start, end) == pytest.approx(expected)


def test_expected_requests_of_stage_a() -> None:
    normal, peak, proof, recovery = dry_run().levels
    probes = 3 * 8
    assert sum(flow.measured_requests for flow in normal.flows) == pytest.approx(50 * 30 + probes)
    assert sum(flow.measured_requests for flow in peak.flows) == pytest.approx(80 * 30 + probes)
    assert sum(flow.measured_requests for flow in proof.flows) == pytest.approx(240 * 30 + probes)
    # Ramp 0 → 50/s in 3 s, 37 s at 50/s; the recovery begins at 50/s; 3x-peak's drain has the normal rate.
    assert normal.requests == pytest.approx(75 + 37 * 50 + probes)
    assert recovery.requests == pytest.approx(40 * 50 + probes)
    assert proof.requests == pytest.approx(360 + 37 * 240 + 3 * 50 + probes)
    assert dry_run().requests == pytest.approx(sum(level.requests for level in dry_run().levels))


def test_deliveries_go_to_everybody_else_in_the_room() -> None:
    peak = dry_run().levels[1]
    assert peak.delivery_rate_per_second == pytest.approx(82.5)


def test_the_generator_needs_most_at_3x_peak_and_less_than_a_core() -> None:
    its = dry_run()
    assert its.basis == "ESTIMATED"
    assert its.generator_cores == max(level.generator_cores for level in its.levels) == its.levels[2].generator_cores
    # 240 × 0.27 ms + 24.75 × 0.42 ms + 247.5 × 0.21 ms + 990 ÷ 8 connects/s × 2 ms
    assert its.generator_cores == pytest.approx(0.0648 + 0.010395 + 0.051975 + 0.2475)


def test_smoke_can_prove_every_slo_of_stage_a() -> None:
    samples = dry_run().samples
    assert all(sample.enough for sample in samples)
    response = {sample.level: sample for sample in samples if sample.slo_id == "response-time"}
    assert list(response) == ["normal", "peak", "recovery"]
    assert (response["peak"].needed, response["peak"].expected) == (59, pytest.approx(2400))
    reach = next(sample for sample in samples if sample.slo_id == "chat-reach" and sample.level == "peak")
    assert (reach.needed, reach.expected) == (299, pytest.approx(2475))
    survival = [sample for sample in samples if sample.level == "3x-peak"]
    assert {sample.reason for sample in survival} == {"a fact: needs no sample"}


def test_a_sample_that_is_too_small_or_tight_is_called_so() -> None:
    stage = LECTIO.stage("A")
    load_plan = build_plan(LECTIO, stage, profile_named("smoke"), 7)
    thousandth = _with_quantile(0.999)
    (few,) = [
        its for its in budget(load_plan, thousandth).samples if its.level == "normal" and its.expected is not None
    ]
    assert not few.enough
    assert few.reason.startswith("too few: 2995 needed")
    (tight,) = [its for its in budget(load_plan, _with_quantile(0.996)).samples if its.level == "normal"]
    assert tight.enough
    assert tight.reason == "tight: 748 needed if none is bad"


def _with_quantile(quantile: float) -> Stage:
    stage = LECTIO.stage("A")
    slo = next(slo for slo in stage.slos if slo.id == "response-time")
    return replace(stage, slos=(replace(slo, quantile=quantile),))


def test_the_dry_run_says_which_rules_the_profile_is_long_enough_for() -> None:
    rules = (slow(180), timed(seconds=900), uptime(0.999), band(0.5, 0.7), timed(seconds=3600, name="hour"))
    stage = replace(LECTIO.stage("A"), rules=rules)

    def peak(profile: str) -> dict[str, tuple[bool, float | None, str]]:
        found = budget(build_plan(LECTIO, stage, profile_named(profile), 7), stage).rules
        return {
            each.rule_id: (each.enough, each.needed_seconds, each.profile) for each in found if each.level == "peak"
        }

    smoke = peak("smoke")
    assert smoke["slow"] == (False, 180, "standard")
    assert smoke["cpu"] == (False, 900, "")
    assert smoke["uptime"] == (False, pytest.approx(2995 / 80), "standard")
    assert smoke["cpu-band"] == (True, 6, "smoke")
    assert peak("standard")["slow"][0] and peak("standard")["uptime"][0]
    assert peak("nightly")["hour"] == (False, 3600, "")


def test_the_whole_run_of_a_rule_has_all_levels_as_long() -> None:
    stage = replace(LECTIO.stage("A"), rules=(slow(180),))
    found = budget(build_plan(LECTIO, stage, profile_named("smoke"), 7), stage)
    assert {each.run_seconds for each in found.rules} == {found.seconds + 4 * 150}


def test_a_stage_of_few_requests_needs_wider_windows() -> None:
    stage = LECTIO.stage("A")
    load = tuple(
        replace(figure, value=0.35, high=None) if figure.name in ("normal_rps", "peak_rps") else figure
        for figure in stage.load
        if figure.name != "upload_rate"
    )
    flows = tuple(flow for flow in LECTIO.flows if flow.kind is not FlowKind.UPLOAD)
    tiny = replace(stage, load=load, rules=(slow(120), slow(60)))
    target = replace(LECTIO, flows=flows, stages=(tiny,))
    found = budget(build_plan(target, tiny, profile_named("smoke"), 7), tiny)
    assert {each.needed_seconds for each in found.rules if each.level == "peak"} == {120, 86}
