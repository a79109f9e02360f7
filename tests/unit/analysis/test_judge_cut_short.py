"""What the judge says of runs that were cut short: by a person, a rule, or a death."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.judge import judge
from harness.model.samples import Event
from harness.model.verdict import Outcome
from tests.support.evidence import START, WALL, make_evidence

PASS, FAIL, OPEN, INVALID = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID

SLOW = {"slow": {"peak": 0.2}, "slow_seconds": 3.0}


def test_ctrl_c():
    found = judge(make_evidence(stop_at=83.0, stop_reason="interrupted: Ctrl-C"))
    assert found.outcome is OPEN
    assert found.cut_short == "Ctrl-C at 83 s of 180 s"
    assert found.cell("response-time", "normal").outcome is PASS
    assert found.cell("response-time", "peak").reason == "cut short: Ctrl-C at 83 s of 180 s"
    assert found.cell("response-time", "recovery").reason == "never reached: Ctrl-C at 83 s of 180 s"


def test_kill_9_of_the_harness():
    found = judge(make_evidence(stop_at=110.0))
    assert found.outcome is OPEN
    assert "the harness was ended" in found.cut_short
    assert found.cell("lost-writes", "normal").outcome is OPEN


def test_an_abort_rule():
    found = judge(make_evidence(stop_at=110.0, stop_reason="aborted: memory ran out"))
    assert found.cut_short == "at 110 s of 180 s aborted: memory ran out"


DIED = "generator: it ended early with exit code -9"


def lost_at(second, worker="", **knobs):
    """Evidence in which the generator, or that worker, was lost."""
    evidence = make_evidence(**knobs)
    event = Event(START + second, WALL + second, "worker-lost", {"worker": worker} if worker else {"exit_code": -9})
    return replace(evidence, events=tuple(sorted((*evidence.events, event), key=lambda each: each.monotonic_seconds)))


def test_a_generator_that_died_makes_the_run_invalid_from_there_on():
    found = judge(lost_at(82.9, stop_at=83.0, stop_reason=DIED))
    assert found.outcome is INVALID
    assert found.headline.endswith("the generator was lost at 83 s of 180 s, so that the load was not the planned one.")
    assert found.cell("response-time", "normal").outcome is PASS
    struck = found.cell("response-time", "peak")
    assert (struck.outcome, struck.tainted_by) == (INVALID, ("worker-lost",))
    assert found.cell("response-time", "recovery").outcome is OPEN
    assert [each.level for each in found.checks if each.id == "worker-lost" and each.passed is False] == ["peak"]


def test_a_generator_that_hung_makes_the_run_invalid():
    found = judge(make_evidence(stop_at=83.0, stop_reason="generator: it did not end in time"))
    assert found.outcome is INVALID
    assert "it did not end in time" in found.headline


def test_a_fail_that_was_proven_before_the_generator_died_stands():
    found = judge(lost_at(110.0, stop_at=110.0, stop_reason=DIED, slow={"normal": 0.3}, slow_seconds=3.0))
    assert found.outcome is FAIL


def test_a_crash_stands_in_the_level_in_which_the_generator_died():
    found = judge(lost_at(82.9, stop_at=83.0, stop_reason=DIED, crash_at=80.0))
    assert found.cell("server-crashes", "peak").outcome is FAIL
    assert found.outcome is FAIL


def test_a_worker_that_was_lost_before_somebody_pressed_ctrl_c():
    found = judge(lost_at(70.0, "2", stop_at=83.0, stop_reason="interrupted: Ctrl-C"))
    assert found.outcome is INVALID
    assert "worker 2 of the generator was lost at 70 s" in found.headline


@pytest.mark.parametrize("reason", ["interrupted: Ctrl-C", "aborted: memory ran out", ""])
def test_what_is_lost_with_the_end_that_was_asked_for_is_no_loss(reason):
    assert judge(lost_at(84.5, "2", stop_at=83.0, stop_reason=reason)).outcome is OPEN


def test_a_fail_that_was_proven_before_the_cut_stands():
    found = judge(make_evidence(stop_at=110.0, slow={"normal": 0.3}, slow_seconds=3.0))
    assert found.outcome is FAIL
    assert "cut short" in found.headline


def test_a_fact_stands_even_in_the_level_that_was_cut():
    found = judge(make_evidence(stop_at=121.0, stop_reason="aborted: memory", oom_at=120.0))
    assert found.outcome is FAIL
    assert found.cell("oom-kills", "3x-peak").outcome is FAIL
    assert found.cell("server-crashes", "3x-peak").outcome is OPEN


def test_a_level_is_not_judged_by_a_part_of_it():
    found = judge(make_evidence(stop_at=80.0, stop_reason="interrupted: Ctrl-C", **SLOW))
    assert found.cell("response-time", "peak").outcome is OPEN
    assert found.outcome is OPEN


def test_a_load_that_never_began():
    evidence = replace(
        make_evidence(), load_start_seconds=None, requests=(), servers=(), generator=(), jobs=(), acknowledged=()
    )
    found = judge(evidence)
    assert found.outcome is OPEN
    assert found.cut_short == "the load never began"


def test_an_upload_under_way_at_the_cut_proves_no_fail():
    """The harness is killed while one of the peak's uploads is still being transcoded."""
    evidence = make_evidence(stop_at=96.0)
    late = tuple(
        replace(job, monotonic_seconds=job.monotonic_seconds + 20) if job.id == "job-peak-2" else job
        for job in evidence.jobs
        if not (job.id == "job-peak-2" and job.state == "finished")
    )
    found = judge(replace(evidence, jobs=late))
    assert found.cell("response-time", "peak").outcome is PASS
    assert found.cell("uploads-finished", "peak").outcome is OPEN
    assert found.outcome is OPEN


def test_a_way_back_that_was_cut_is_not_judged():
    knobs = {"recovers_after": 60, "stop_at": 174.0}
    found = judge(make_evidence(**knobs))
    assert found.cell("recovery", "3x-peak").outcome is OPEN
    assert found.outcome is OPEN


@pytest.mark.parametrize("reason", ["", "interrupted: Ctrl-C", "aborted: errors"])
@pytest.mark.parametrize("stop_at", [0.5, 44.0, 51.0, 58.0, 93.0, 104.0, 136.0, 150.0, 176.0, 179.0])
def test_a_sound_run_that_was_cut_anywhere_is_inconclusive(stop_at, reason):
    found = judge(make_evidence(stop_at=stop_at, stop_reason=reason))
    assert found.outcome is OPEN
    assert {cell.outcome for cell in found.verdicts} <= {PASS, OPEN}


def test_a_cut_way_back_is_open_whatever_the_checks_of_the_run_say():
    found = judge(make_evidence(stop_at=150.0, stop_reason="interrupted: Ctrl-C", clock_drift_seconds=0.5))
    assert found.cell("recovery", "3x-peak").outcome is OPEN
