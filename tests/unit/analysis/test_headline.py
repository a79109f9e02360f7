from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.judge import judge
from tests.support.evidence import make_evidence


def headline(**knobs):
    return judge(make_evidence(**knobs)).headline


def test_a_pass():
    assert headline() == (
        "The reference application, sized as Lectio Space stage A, carries the planned peak of 80 requests/s: p95 "
        "69 ms of 500 ms allowed (95 % sure, 2,400 requests; short run, steadiness partly tested). At 240/s its p95 is "
        "401 ms, it loses nothing and it is back to normal 6 s after the load falls."
    )


def test_a_pass_of_a_longer_run_says_nothing_of_a_short_one():
    assert "short run" not in headline(profile="standard")


def test_at_once():
    assert headline(recovers_after=0).endswith("it is back to normal at once.")


@pytest.mark.parametrize(
    ("knobs", "parts"),
    [
        (
            {"cpu": {"peak": 0.75}},
            ["carries the planned peak", "Warning: CPU at peak 75", "≤ 70 % wanted (the critical ≤ 90 % is kept)"],
        ),
        ({"slow": {"peak": 0.2}}, ["ms of 2 s allowed (95 % sure", "Warning: Response time at peak"]),
        (
            {"slow": {"peak": 0.2}, "slow_seconds": 3.0},
            ["does not carry the planned peak of 80 requests/s: Response time at peak: p95 3."],
        ),
        (
            {"slow": {"normal": 0.2}, "slow_seconds": 3.0},
            ["does not even carry the normal load of 50 requests/s (assumed): Response time at normal"],
        ),
        ({"lost": 2}, ["does not survive the proof load of 240 requests/s: Lost acknowledged writes at 3x-peak: 2 of"]),
        ({"recovers_after": 35}, ["is not back to normal after the proof load of 240 requests/s"]),
        ({"recovers_after": 200}, ["Back to normal after 3x-peak: not back: still bad 45 s", "1 more row fails"]),
        (
            {"stop_at": 83.0, "stop_reason": "interrupted: Ctrl-C"},
            ["It cannot be said whether the reference application", "the run was cut short, Ctrl-C at 83 s of 180 s."],
        ),
        (
            {"reconciled": False},
            ["Lost acknowledged writes at normal: the writes could not be", "3 more rows are open"],
        ),
        (
            {"generator_cpu": {"peak": 0.95}},
            ["This run proves nothing about the reference application", "Generator's CPU at peak: 95 % of a core"],
        ),
        ({"clock_drift_seconds": 0.2}, ["Drift between the clocks: "]),
        ({"host_cores": 8, "limits_enforced": False}, ["the host is larger than the stage and its limits"]),
        ({"slos": ()}, ["nothing was judged"]),
    ],
)
def test_other_answers(knobs, parts):
    said = headline(**knobs)
    for part in parts:
        assert part in said


def test_an_external_system_is_named_by_its_address():
    said = headline(stack="external")
    assert "the system at http://127.0.0.1:18080, judged as Lectio Space stage A," in said
    assert "reference application" not in said


def test_a_plan_without_a_peak():
    evidence = make_evidence()
    plan = replace(evidence.plan, levels=evidence.plan.levels[:1])
    assert "carries the planned load" in judge(replace(evidence, plan=plan)).headline


def test_what_gets_through_at_3x_peak():
    said = headline(errors={"3x-peak": 0.2})
    assert "At 240/s it completes 19" in said
    assert "% of its answers are bad" in said
    assert "its p95" not in said
    assert "its p95 is" in headline(errors={"3x-peak": 0.03})


def test_times_at_3x_peak_that_are_not_sound_are_not_said():
    sound = judge(make_evidence())
    assert "At 240/s its p95 is 401 ms" in sound.headline
    slow_generator = judge(make_evidence(loop_lag_seconds={"3x-peak": 0.08}))
    assert slow_generator.outcome is sound.outcome
    assert "p95 is" not in slow_generator.headline
    assert "At 240/s it loses nothing" in slow_generator.headline
