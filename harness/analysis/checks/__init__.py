"""Validity checks: is the evidence itself sound? (methodology §5)

One file each, all listed in ``CHECKS``. A check names what its failure taints; without data to look at it does not
pass.
"""

from __future__ import annotations

from harness.analysis.checks import (
    client_errors,
    clock_drift,
    conservation,
    counter_reset,
    frozen_series,
    generator_cpu,
    loop_lag,
    nginx_count,
    offered_rate,
    sampler_gaps,
    sampling_overhead,
    schedule_lag,
    sent_intended,
    worker_lost,
)
from harness.analysis.checks.base import Check, LevelCheck, result
from harness.analysis.coverage import generator_lost, has_begun, is_measured
from harness.model.evidence import Evidence
from harness.model.verdict import CheckResult

CHECKS: tuple[Check, ...] = (
    generator_cpu.CHECK,
    loop_lag.CHECK,
    schedule_lag.CHECK,
    sent_intended.CHECK,
    offered_rate.CHECK,
    nginx_count.CHECK,
    client_errors.CHECK,
    worker_lost.CHECK,
    sampler_gaps.CHECK,
    frozen_series.CHECK,
    counter_reset.CHECK,
    conservation.CHECK,
    clock_drift.CHECK,
    sampling_overhead.CHECK,
)


def run_checks(evidence: Evidence) -> tuple[CheckResult, ...]:
    """Every check over every level that was measured to its end, then those of the whole run."""
    levels = [level for level in evidence.plan.levels if is_measured(evidence, level)]
    begun = levels
    if generator_lost(evidence):
        begun = [level for level in evidence.plan.levels if level in levels or has_begun(evidence, level)]
    results = []
    for check in CHECKS:
        if isinstance(check, LevelCheck):
            looked_at = begun if check.struck else levels
            results += [result(check, check.look(evidence, level), level.name.value) for level in looked_at]
        else:
            results.append(result(check, check.look(evidence)))
    return tuple(results)
