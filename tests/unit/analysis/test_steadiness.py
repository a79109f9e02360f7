from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.analysis.histogram import distribution_of
from harness.analysis.judge import judge
from harness.analysis.steadiness import steadiness
from harness.analysis.steady_state import mser
from harness.model.samples import ServerSample
from harness.model.verdict import Outcome
from tests.support.evidence import START, make_evidence


def look(evidence, level="peak"):
    return steadiness(evidence, evidence.plan.level(level))


def with_means(evidence, mean, over=lambda second: 0):
    """The peak's response times, all alike in each second; ``over``: how many of them exceed 500 ms."""
    phase = evidence.plan.level("peak").phases[2]
    rows = []
    for row in evidence.requests:
        at = row.second - int(phase.start_seconds)
        if row.kind == "http" and not row.probe and 0 <= at < phase.duration_seconds:
            times = distribution_of([mean(at)] * row.completed)
            row = replace(row, response=times, exceeded={0.5: min(row.completed, over(at)), 2.0: 0})
        rows.append(row)
    return replace(evidence, requests=tuple(rows))


def test_a_steady_level():
    found = look(make_evidence(profile="standard"))
    assert (found.growing, found.unsteady, found.partly) == ("", "", False)


def test_a_short_run_is_only_looked_at_for_a_backlog():
    evidence = with_means(make_evidence(), lambda at: 1.0 if at < 20 else 0.1)
    found = look(evidence)
    assert (found.growing, found.unsteady, found.partly) == ("", "", True)


def test_requests_in_flight_that_pile_up():
    found = look(make_evidence(growth={"peak": 5}))
    assert found.growing == "requests in flight"
    assert look(make_evidence(growth={"peak": 5}), "normal").growing == ""


@pytest.mark.parametrize(
    ("source", "key", "said"),
    [("celery", "depth.default", "celery depth.default"), ("pgbouncer", "client_waiting", "pgbouncer client_waiting")],
)
def test_queues_that_pile_up(source, key, said):
    evidence = make_evidence(silent=("celery",))
    more = tuple(ServerSample(START + second + 0.5, source, {key: max(0.0, second - 50.0)}) for second in range(45, 90))
    evidence = replace(evidence, servers=(*evidence.servers, *more))
    assert look(evidence).growing == said


def test_the_few_marked_uploads_are_no_backlog():
    evidence = make_evidence(silent=("celery",))
    more = tuple(
        ServerSample(START + second + 0.5, "celery", {"depth.default": (second - 45) // 15}) for second in range(45, 90)
    )
    assert look(replace(evidence, servers=(*evidence.servers, *more))).growing == ""


def test_a_step_in_the_second_half():
    evidence = with_means(make_evidence(profile="standard"), lambda at: 0.30 if at < 140 else 0.03)
    assert "second half" in look(evidence).unsteady
    found = judge(evidence)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not in a steady state" in found.cell("response-time", "peak").reason
    assert found.cell("oom-kills", "peak").outcome is Outcome.PASS


def test_a_short_disturbance_in_the_second_half():
    """A worker that is replaced takes some seconds; MSER-5 alone would call it the end of a warm-up (ADR 5)."""
    means = lambda at: (0.13 if 120 <= at < 125 else 0.013) * (1 + 0.02 * (at % 5))  # noqa: E731
    assert not mser([math.log(means(at)) for at in range(180)]).steady
    evidence = with_means(make_evidence(profile="standard"), means)
    assert look(evidence).unsteady == ""
    assert judge(evidence).cell("response-time", "peak").outcome is Outcome.PASS


def test_a_step_that_no_bound_would_feel():
    evidence = with_means(make_evidence(profile="standard"), lambda at: 0.020 if at < 140 else 0.013)
    assert look(evidence).unsteady == ""


def test_halves_that_differ_by_less_than_matters():
    evidence = with_means(
        make_evidence(profile="standard"), lambda at: 0.03 + 0.001 * (at % 3), over=lambda at: at >= 90 and at % 15 == 0
    )
    assert look(evidence).unsteady == ""


def test_a_slow_rise():
    evidence = with_means(make_evidence(profile="standard"), lambda at: 0.05 + 0.001 * at + 0.002 * (at % 2))
    assert "response times drift" in look(evidence).unsteady


def test_halves_that_disagree():
    evidence = with_means(
        make_evidence(profile="standard"),
        lambda at: 0.03 + 0.001 * (at % 3),
        over=lambda at: (at % 2) * (1 if at < 90 else 4),
    )
    assert look(evidence).unsteady == "its two halves disagree"


def test_a_level_without_responses_is_not_steady():
    evidence = make_evidence(profile="standard", errors={"peak": 1.0})
    assert "only 0 seconds with responses" in look(evidence).unsteady
