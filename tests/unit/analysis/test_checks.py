from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from harness.analysis.checks import CHECKS, run_checks
from harness.analysis.checks.lag import SecondOfLag, estimated_p99
from harness.analysis.histogram import distribution_of
from harness.model.verdict import Taint
from tests.support.evidence import make_evidence


def results(check, **knobs):
    return {found.level: found for found in run_checks(make_evidence(**knobs)) if found.id == check}


def test_a_sound_run_passes_every_check_at_every_level():
    found = run_checks(make_evidence())
    assert [result.id for result in found if not result.passed] == []
    assert {result.level for result in found} == {"normal", "peak", "3x-peak", "recovery", ""}


def test_ids_are_unique_and_every_check_says_what_it_taints():
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids)
    assert [check.id for check in CHECKS if not check.taints] == ["sampling-overhead"]


@pytest.mark.parametrize(
    ("check", "level", "knobs", "said"),
    [
        ("generator-cpu", "peak", {"generator_cpu": {"peak": 0.9}}, "90 % of a core"),
        ("loop-lag", "peak", {"loop_lag_seconds": {"peak": 0.026}}, "26 ms"),
        ("schedule-lag", "peak", {"schedule_lag_seconds": {"peak": 0.026}}, "26 ms"),
        ("sent-intended", "peak", {"sent": {"peak": 0.9}}, "0.900"),
        ("offered-rate", "peak", {"offered": {"peak": 0.9}}, "0.900"),
        ("offered-rate", "peak", {"offered": {"peak": 1.1}}, "1.100"),
        ("offered-rate", "peak", {"offered": {"peak": 0.96}}, "sessions did not make"),
        ("offered-rate", "3x-peak", {"offered": {"3x-peak": 0.9}}, "0.900"),
        ("nginx-count", "peak", {"nginx": 0.97}, "0.97"),
        ("client-errors", "peak", {"client_errors": {"peak": 2}}, "EMFILE 2"),
        ("worker-lost", "peak", {"worker_lost_at": 70.0}, "worker 2 lost at 70 s"),
        (
            "sampler-gaps",
            "peak",
            {
                "gaps": dict.fromkeys(
                    ALL := ("host", "stack", "storage", "postgres", "redis", "celery", "gunicorn", "nginx"), 0.4
                )
            },
            "host",
        ),
        ("conservation", "", {"lost_records": 1}, "requests started"),
        ("clock-drift", "", {"clock_drift_seconds": 0.06}, "ms"),
        ("sampling-overhead", "", {"sampling_cost_seconds": 0.01}, "of a core"),
    ],
)
def test_what_fails_a_check(check, level, knobs, said):
    found = results(check, **knobs)[level]
    assert found.passed is False
    assert said in found.value + found.reason


@pytest.mark.parametrize(
    ("check", "knobs"),
    [
        ("generator-cpu", {"generator_cpu": {"peak": 0.85}}),
        ("loop-lag", {"loop_lag_seconds": {"peak": 0.025}}),
        ("offered-rate", {"offered": {"peak": 0.985}}),
        ("nginx-count", {"nginx": 0.985}),
        ("clock-drift", {"clock_drift_seconds": 0.04}),
        ("sampler-gaps", {"gaps": {"redis": 0.4}}),
    ],
)
def test_the_limit_itself_passes(check, knobs):
    assert all(found.passed for found in results(check, **knobs).values())


@pytest.mark.parametrize(
    ("check", "without"),
    [
        ("generator-cpu", "generator"),
        ("loop-lag", "generator"),
        ("schedule-lag", "generator"),
        ("sent-intended", "generator"),
        ("client-errors", "generator"),
        ("worker-lost", "generator"),
        ("conservation", "generator"),
        ("offered-rate", "requests"),
        ("nginx-count", "requests"),
        ("sampler-gaps", "servers"),
        ("sampling-overhead", "servers"),
    ],
)
def test_no_data_is_not_a_pass(check, without):
    evidence = replace(make_evidence(), **{without: ()})
    found = [result for result in run_checks(evidence) if result.id == check]
    assert found
    assert all(result.passed is None for result in found)
    assert all(result.taints == next(c.taints for c in CHECKS if c.id == check) for result in found)


def test_no_log_of_nginx_is_not_a_pass_but_cannot_be_asked_of_an_external_stack():
    found = results("nginx-count", nginx=None)["peak"]
    assert (found.passed, Taint.TIMES in found.taints) == (None, True)
    found = results("nginx-count", nginx=None, stack="external")["peak"]
    assert (found.passed, found.taints) == (None, ())


def test_no_event_with_both_clocks_is_not_a_pass():
    evidence = make_evidence()
    evidence = replace(evidence, events=evidence.events[:1])
    found = next(result for result in run_checks(evidence) if result.id == "clock-drift")
    assert found.passed is None


def compared(start: float | None, end: float | None, *, uncertainty: float = 0.001, lost: bool = False):
    """What is said of the clocks of a run with a worker of another host, whose offset was found so."""
    evidence = make_evidence(worker_lost_at=20.0) if lost else make_evidence()
    first = evidence.events[0]
    found = [
        replace(
            first, name="worker-clock", detail={"worker": "generator-1", "when": when, **_offset(value, uncertainty)}
        )
        for when, value in (("start", start), ("end", end))
    ]
    if lost:
        found = found[:1]
        named = [
            replace(event, detail={**event.detail, "worker": "generator-1"}) if event.name == "worker-lost" else event
            for event in evidence.events
        ]
        evidence = replace(evidence, events=tuple(named))
    evidence = replace(evidence, events=(*evidence.events, *found))
    return next(result for result in run_checks(evidence) if result.id == "clock-drift")


def _offset(value: float | None, uncertainty: float) -> dict[str, float]:
    return {} if value is None else {"offset_seconds": value, "uncertainty_seconds": uncertainty, "exchanges": 16}


def test_a_workers_clock_that_runs_as_the_masters_is_good_however_far_it_is_off():
    assert compared(1000.0, 1000.02).passed is True
    assert compared(-3e5, -3e5 + 0.04, uncertainty=0.009).passed is True


@pytest.mark.parametrize(
    ("start", "end", "uncertainty", "reason"),
    [
        (1000.0, 1000.06, 0.001, "its clock ran otherwise than the master's"),
        (1000.0, 999.94, 0.001, "its clock ran otherwise than the master's"),
        (1000.0, 1000.03, 0.03, "nobody can tell"),
        (1000.0, 1000.0, 0.06, "its messages take too long"),
        (1000.0, None, 0.001, "was not compared again at the end"),
        (None, None, 0.001, "was never compared"),
    ],
)
def test_a_workers_clock_that_is_not_known_well_enough_is_not_believed(start, end, uncertainty, reason):
    found = compared(start, end, uncertainty=uncertainty)
    assert found.passed is False
    assert reason in found.reason
    assert "generator-1" in found.value
    assert Taint.TIMES in found.taints


def test_the_clock_of_a_lost_worker_is_not_asked_for_again():
    assert compared(1000.0, None, lost=True).passed is True


def test_one_busy_second_is_no_saturation():
    evidence = make_evidence()
    generator = [
        replace(sample, cpu_ratio=1.0) if index in (70, 71) else sample
        for index, sample in enumerate(evidence.generator)
    ]
    found = [r for r in run_checks(replace(evidence, generator=tuple(generator))) if r.id == "generator-cpu"]
    assert all(result.passed for result in found)


@pytest.mark.parametrize(("lag", "passed"), [(0.2, True), (2.0, False)])
def test_a_second_of_hanging_counts_by_its_length(lag, passed):
    """One second in thirty: a pause of 200 ms makes too few late beats for the p99 of them all, one of 2 s does not."""
    evidence = make_evidence()
    generator = [
        replace(sample, loop_lag_p99_seconds=lag) if index == 70 else sample
        for index, sample in enumerate(evidence.generator)
    ]
    found = {r.level: r for r in run_checks(replace(evidence, generator=tuple(generator))) if r.id == "loop-lag"}
    assert (found["normal"].passed, found["peak"].passed) == (True, passed)


def seconds_of_lag(*p99, count=100):
    return [SecondOfLag(None, each, count) for each in p99]


def test_an_estimated_p99_lies_between_that_of_the_best_and_of_the_worst_second():
    assert estimated_p99(seconds_of_lag(*[0.02] * 30)) == pytest.approx(0.02)
    assert estimated_p99(seconds_of_lag(*[0.0] * 30)) == 0
    assert estimated_p99(seconds_of_lag(*[0.01] * 15, *[0.05] * 15)) == pytest.approx(0.05)
    assert estimated_p99(seconds_of_lag(*[0.01] * 29, 0.05)) == pytest.approx(0.01)


def test_lags_that_were_kept_give_the_real_p99():
    """One second in three with lags of 40 ms in one beat of a hundred: every p99 of a second may lie above the limit
    while that of the phase does not."""
    evidence = make_evidence()
    generator = []
    for index, sample in enumerate(evidence.generator):
        lags = [0.001] * 97 + [0.040 if index % 3 == 0 else 0.001] * 2 + [0.001]
        generator.append(replace(sample, loop_lag=distribution_of(lags), loop_lag_p99_seconds=sorted(lags)[98]))
    found = {r.level: r for r in run_checks(replace(evidence, generator=tuple(generator))) if r.id == "loop-lag"}
    assert all(result.passed for result in found.values())
    late = [replace(sample, loop_lag=distribution_of([0.001] * 98 + [0.04] * 2)) for sample in generator]
    found = {r.level: r for r in run_checks(replace(evidence, generator=tuple(late))) if r.id == "loop-lag"}
    assert not any(result.passed for result in found.values())
    assert "p99 40 ms" in found["peak"].value


def test_the_estimate_is_close_to_the_real_p99():
    random = Random(3)
    for pause_seconds, each_second in ((0.03, 0.5), (0.06, 0.3), (0.02, 1.0)):
        beats = []
        for _ in range(60):
            lags = [random.uniform(0, 0.002) for _ in range(100)]
            for _ in range(int(each_second) + (random.random() < each_second % 1)):
                length, at = random.expovariate(1 / pause_seconds), random.randrange(100)
                for late in range(at, min(100, at + int(length * 100) + 1)):
                    lags[late] = max(lags[late], length - (late - at) / 100)
            beats.append(sorted(lags))
        real = sorted(lag for lags in beats for lag in lags)[5939]
        assert estimated_p99(seconds_of_lag(*(lags[98] for lags in beats))) == pytest.approx(real, rel=0.35)


def test_a_queue_for_users_is_the_systems_slowness():
    evidence = make_evidence()
    generator = [
        replace(sample, started=sample.started - 30, completed=sample.completed - 30, waiting=30)
        if sample.monotonic_seconds > 1070
        else sample
        for sample in evidence.generator
    ]
    found = {r.level: r for r in run_checks(replace(evidence, generator=tuple(generator))) if r.id == "sent-intended"}
    assert found["peak"].passed
    assert "slowness" in found["peak"].reason


def test_sessions_that_pile_up_explain_a_lower_rate():
    evidence = make_evidence(offered={"peak": 0.9})
    slow = [
        replace(sample, in_flight=min(300, int(sample.monotonic_seconds - 1045) * 10), intended=sample.intended + 1)
        if 1045 < sample.monotonic_seconds <= 1091
        else sample
        for sample in evidence.generator
    ]
    found = {r.level: r for r in run_checks(replace(evidence, generator=tuple(slow))) if r.id == "offered-rate"}
    assert found["peak"].passed
    assert "slowness" in found["peak"].reason


def test_an_arrival_on_its_way_to_its_user_is_not_lost():
    evidence = make_evidence()
    generator = list(evidence.generator)
    generator[50] = replace(generator[50], completed=generator[50].completed - 2)
    found = [r for r in run_checks(replace(evidence, generator=tuple(generator))) if r.id == "conservation"]
    assert found[0].passed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completed": 1}, "arrivals"),
        ({"requests_failed": 10**6}, "requests"),
        ({"busy_seconds": 1e9}, "service time"),
    ],
)
def test_what_breaks_conservation(change, said):
    evidence = make_evidence()
    generator = (*evidence.generator[:-1], replace(evidence.generator[-1], **change))
    found = next(r for r in run_checks(replace(evidence, generator=generator)) if r.id == "conservation")
    assert found.passed is False
    assert said in found.value


def test_rows_that_are_missing_break_conservation():
    evidence = make_evidence()
    found = next(r for r in run_checks(replace(evidence, requests=evidence.requests[5:])) if r.id == "conservation")
    assert found.passed is False
    assert "recorded" in found.value


def test_a_run_cut_short_is_checked_as_far_as_it_came():
    found = run_checks(make_evidence(stop_at=60.0, stop_reason="interrupted: Ctrl-C"))
    assert {result.level for result in found} == {"normal", ""}
    assert all(result.passed for result in found)


def test_a_silent_worker_is_noticed():
    evidence = make_evidence()
    half = tuple(s for s in evidence.generator if not (1060 < s.monotonic_seconds < 1070))
    found = {r.level: r for r in run_checks(replace(evidence, generator=half)) if r.id == "worker-lost"}
    assert found["peak"].passed is False
    assert "silent 30 %" in found["peak"].value


def test_requests_that_never_reached_nginx_are_not_missed_there():
    evidence = make_evidence(errors={"peak": 0.05}, nginx=None)
    rows = tuple(
        replace(row, error_kinds={"connection refused": row.errors}) if row.errors else row for row in evidence.requests
    )
    counts: dict[int, int] = {}
    for row in rows:
        if row.kind in ("http", "upload"):
            counts[row.second] = counts.get(row.second, 0) + row.completed
    evidence = replace(evidence, requests=rows, nginx_requests=tuple(sorted(counts.items())))
    found = {r.level: r for r in run_checks(evidence) if r.id == "nginx-count"}
    assert found["peak"].passed


def test_sessions_that_run_on_into_the_next_level_are_not_missed():
    """A drain shorter than a session: 40 requests of normal are made in peak."""
    evidence = make_evidence()
    moved = tuple(
        replace(row, second=row.second + 6) if row.second in (39,) and row.kind == "http" and not row.probe else row
        for row in evidence.requests
    )
    generator = tuple(
        replace(s, in_flight=12, intended=s.intended + 12) if 1039 < s.monotonic_seconds < 1046 else s
        for s in evidence.generator
    )
    found = [
        result
        for result in run_checks(replace(evidence, requests=moved, generator=generator))
        if result.id == "offered-rate"
    ]
    assert all(result.passed for result in found)


def test_sessions_that_3x_peak_held_back_may_go_on_in_recovery():
    evidence = make_evidence(offered={"recovery": 1.2})
    generator = tuple(
        replace(s, in_flight=100, intended=s.intended + 100) if 1120 < s.monotonic_seconds < 1140 else s
        for s in evidence.generator
    )
    found = {r.level: r for r in run_checks(replace(evidence, generator=generator)) if r.id == "offered-rate"}
    assert found["recovery"].passed
    assert "held back" in found["recovery"].reason
    assert results("offered-rate", offered={"recovery": 1.2})["recovery"].passed is False


def test_lags_that_were_never_measured_are_no_pass():
    evidence = make_evidence()
    empty = tuple(
        replace(s, loop_lag=distribution_of([]), schedule_lag=distribution_of([])) for s in evidence.generator
    )
    found = {r.id: r for r in run_checks(replace(evidence, generator=empty)) if r.level == "peak"}
    assert (found["loop-lag"].passed, Taint.TIMES in found["loop-lag"].taints) == (None, True)
    # Without a free user there is no lag of the schedule: that is the system's slowness, and it taints nothing.
    assert (found["schedule-lag"].passed, found["schedule-lag"].taints) == (None, ())
