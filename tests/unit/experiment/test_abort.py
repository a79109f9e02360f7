"""Abort rules on made-up seconds."""

from __future__ import annotations

from dataclasses import replace

from harness.experiment.abort import ERRORS, MEMORY, SATURATED, AbortRule, AbortWatch, Observation
from harness.model.plan import LevelName

QUIET = Observation(0, LevelName.PEAK, 0.4, 0.3, 80, 0)


def fired_after(seen: Observation, seconds: int = 60) -> tuple[AbortRule | None, int]:
    watch = AbortWatch()
    for second in range(seconds):
        rule = watch.observe(replace(seen, second=second))
        if rule is not None:
            return rule, second + 1
    return None, seconds


def test_a_healthy_run_is_never_aborted() -> None:
    assert fired_after(QUIET)[0] is None


def test_full_memory_aborts_after_three_seconds() -> None:
    assert fired_after(replace(QUIET, host_memory_ratio=0.97)) == (MEMORY, 3)


def test_mostly_errors_abort_after_ten_seconds_at_any_level() -> None:
    assert fired_after(replace(QUIET, level=LevelName.PROOF, completed=10, bad=11)) == (ERRORS, 10)


def test_a_saturated_host_aborts_below_the_proof_load_only() -> None:
    assert fired_after(replace(QUIET, host_cpu_ratio=0.99)) == (SATURATED, 20)
    assert fired_after(replace(QUIET, host_cpu_ratio=0.99, level=LevelName.PROOF))[0] is None


def test_one_good_second_resets_a_rule() -> None:
    watch = AbortWatch()
    bad = replace(QUIET, completed=0, bad=5)
    for _ in range(9):
        assert watch.observe(bad) is None
    assert watch.observe(QUIET) is None
    for _ in range(9):
        assert watch.observe(bad) is None
    assert watch.observe(bad) is ERRORS


def test_what_was_not_seen_fires_nothing() -> None:
    assert fired_after(Observation(0, None, None, None, 0, 0))[0] is None
