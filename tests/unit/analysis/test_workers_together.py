"""Evidence of several workers: sums over them, the worst of them, and what the loss of one makes unsound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.checks import run_checks
from harness.analysis.coverage import unresolved
from harness.analysis.histogram import distribution_of
from harness.analysis.judge import judge
from harness.analysis.slis import sockets_held_ratio
from harness.analysis.workers import held_together, lost_workers
from harness.model.evidence import Evidence
from harness.model.samples import Event, GeneratorSample
from harness.model.verdict import CheckResult
from tests.support.evidence import START, WALL, make_evidence

ADDED = (
    "intended",
    "started",
    "completed",
    "failed",
    "dropped",
    "late",
    "in_flight",
    "waiting",
    "requests_started",
    "requests_completed",
    "requests_failed",
    "requests_in_flight",
    "sockets",
)


def halves(sample: GeneratorSample, late_seconds: float = 0.0) -> tuple[GeneratorSample, GeneratorSample]:
    """The same second as two workers would have told it."""
    first = {name: getattr(sample, name) // 2 for name in ADDED}
    rest = {name: getattr(sample, name) - first[name] for name in ADDED}
    share = 0.25
    return (
        replace(
            sample,
            worker="one",
            busy_seconds=sample.busy_seconds * share,
            service_sum_seconds=sample.service_sum_seconds * share,
            **first,
        ),
        replace(
            sample,
            worker="two",
            monotonic_seconds=sample.monotonic_seconds + late_seconds,
            busy_seconds=sample.busy_seconds * (1 - share),
            service_sum_seconds=sample.service_sum_seconds * (1 - share),
            **rest,
        ),
    )


def two_workers(late_seconds: float = 0.0, **knobs: object) -> Evidence:
    """As ``make_evidence``, but two workers carried the load."""
    evidence = make_evidence(**knobs)
    samples = [half for sample in evidence.generator for half in halves(sample, late_seconds)]
    return replace(evidence, generator=tuple(sorted(samples, key=lambda sample: sample.monotonic_seconds)))


def with_event(evidence: Evidence, second: float, name: str, **detail: object) -> Evidence:
    event = Event(START + second, WALL + second, name, detail)
    return replace(evidence, events=tuple(sorted((*evidence.events, event), key=lambda each: each.monotonic_seconds)))


def check(evidence: Evidence, name: str, level: str = "") -> CheckResult:
    return next(each for each in run_checks(evidence) if (each.id, each.level) == (name, level))


def ends_at(evidence: Evidence, level: str) -> float:
    return evidence.plan.level(level).phases[2].end_seconds


@pytest.mark.parametrize("knobs", [{}, {"sockets": {"peak": 0.9}}, {"growth": {"peak": 8.0}}])
def test_two_workers_get_the_verdict_of_one(knobs: dict[str, object]) -> None:
    one, two = judge(make_evidence(**knobs)), judge(two_workers(**knobs))
    assert two.outcome is one.outcome
    assert [(row.slo_id, row.level, row.outcome) for row in two.verdicts] == [
        (row.slo_id, row.level, row.outcome) for row in one.verdicts
    ]


@pytest.mark.parametrize("late_seconds", [0.02, 0.4, 1.3])
def test_a_sample_that_comes_late_makes_no_hole_in_the_sum(late_seconds: float) -> None:
    one, two = make_evidence(), two_workers(late_seconds)
    alone = held_together(one, lambda sample: sample.sockets)
    together = held_together(two, lambda sample: sample.sockets)
    settled = [second for second in range(20, 35) if second in alone]
    assert settled
    assert [together[second] for second in settled] == [alone[second] for second in settled]
    level = one.plan.level("peak")
    assert sockets_held_ratio(two, level) == sockets_held_ratio(one, level)


def test_a_worker_that_was_lost_holds_nothing_any_more() -> None:
    evidence = two_workers()
    kept = tuple(s for s in evidence.generator if s.worker == "one" or s.monotonic_seconds < START + 20)
    together = held_together(replace(evidence, generator=kept), lambda sample: 1)
    assert (together[18], together[19], together[21], together[22], together[30]) == (2, 2, 2, 1, 1)


def test_a_bad_loop_does_not_hide_among_good_ones() -> None:
    good, bad = distribution_of([0.001] * 100), distribution_of([0.001] * 97 + [0.2] * 3)
    evidence = two_workers()
    samples = []
    for sample in evidence.generator:
        for number in range(4):  # eight workers, one of which is held up for 3 % of the time: 0.4 % of all beats
            slow = sample.worker == "one" and number == 0
            lag = bad if slow else good
            samples.append(replace(sample, worker=f"{sample.worker}{number}", loop_lag=lag))
    found = check(replace(evidence, generator=tuple(samples)), "loop-lag", "peak")
    assert found.passed is False
    assert "p99 200 ms" in found.value or "p99 201 ms" in found.value


def test_the_busiest_worker_is_named() -> None:
    evidence = two_workers()
    busy = tuple(replace(s, cpu_ratio=0.95) if s.worker == "two" else s for s in evidence.generator)
    found = check(replace(evidence, generator=busy), "generator-cpu", "peak")
    assert (found.passed, found.value) == (False, "95 % of a core, two of 2 workers")
    assert check(make_evidence(), "generator-cpu", "peak").value == "22 % of a core"


def test_reports_that_never_came_are_records_lost() -> None:
    assert check(two_workers(), "conservation").passed is True
    found = check(with_event(two_workers(), 40, "evidence-gap", worker="two", reports=2), "conservation")
    assert (found.passed, found.value) == (False, "2 reports of worker two")


def lose_two(evidence: Evidence, second: float) -> Evidence:
    """Worker two says nothing any more from then on, and its last second's rows are gone with it."""
    kept = tuple(s for s in evidence.generator if s.worker == "one" or s.monotonic_seconds <= START + second)
    # Noticed by Locust's heartbeat only, some seconds later.
    return with_event(
        replace(evidence, generator=kept), second + 5, "worker-lost", worker="two", heard_until_seconds=second
    )


def test_from_the_loss_of_a_worker_on_levels_are_invalid_and_those_before_are_not() -> None:
    whole = two_workers()
    second = ends_at(whole, "peak") - 3  # heard of no more in the level, missed after it
    evidence = lose_two(whole, second)
    assert lost_workers(evidence) == {"two": second}
    found = {result.level: result for result in run_checks(evidence) if result.id == "worker-lost"}
    assert [found[level].passed for level in ("normal", "peak", "3x-peak", "recovery")] == [True, False, False, False]
    assert found["peak"].value == f"worker two lost at {second:.0f} s"
    assert check(evidence, "conservation").passed is True  # what it had not told yet is no reason against "normal"
    verdict = judge(evidence)
    assert str(verdict.outcome) == "INVALID"
    by_level = {row.level: str(row.outcome) for row in verdict.verdicts if row.slo_id == "response-time"}
    assert by_level["normal"] == "PASS"
    assert by_level["peak"] == "INVALID"


def test_what_a_lost_worker_had_under_way_may_have_been_bad() -> None:
    whole = two_workers()
    level = whole.plan.level("normal")
    second = ends_at(whole, "normal") + 2  # in the drain: the level was measured to its end
    evidence = lose_two(whole, second)
    assert check(evidence, "worker-lost", "normal").passed is True
    held_up = tuple(replace(s, requests_in_flight=3, waiting=1) if s.worker == "two" else s for s in evidence.generator)
    assert unresolved(evidence, level) == 0
    assert unresolved(replace(evidence, generator=held_up), level) == 4
    assert unresolved(whole, level) == 0


def test_a_worker_that_never_said_anything_is_noticed() -> None:
    evidence = two_workers()
    events = tuple(
        replace(event, detail={"workers": ["one", "two", "three"]}) if event.name == "load-start" else event
        for event in evidence.events
    )
    found = check(replace(evidence, events=events), "worker-lost", "normal")
    assert (found.passed, found.value) == (False, "three silent 100 % of the time")
