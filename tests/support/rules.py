"""Made-up runs for rules: long levels, and what one level shows window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from unittest.mock import patch

from harness.analysis.phases import measured
from harness.model.evidence import Evidence
from harness.model.figure import Citation, Figure, Provenance
from harness.model.rule import BandRule, Fires, Purpose, Rule, TimedRule, UptimeRule
from harness.model.units import Unit
from harness.model.verdict import Severity
from tests.support.evidence import START, make_evidence
from tests.support.lectio import PROFILES

WHERE = Citation("plan.md", "Scaling › Triggers", "as the plan says")
LEVELS = ("normal", "peak")


def figure(value: float, unit: Unit, high: float | None = None) -> Figure:
    return Figure("figure", value, unit, Provenance.STATED, WHERE, high)


def timed(
    threshold: float = 0.7,
    seconds: float = 180,
    *,
    sli: str = "stack_cpu_ratio",
    unit: Unit = Unit.RATIO,
    fires: Fires = Fires.ABOVE,
    purpose: Purpose = Purpose.SCALE_UP,
    severity: Severity = Severity.WARNING,
    quantile: float | None = None,
    only_with: str = "",
    levels: tuple[str, ...] = LEVELS,
    name: str = "cpu",
) -> TimedRule:
    """CPU > 70 % for 3 minutes, or another one."""
    return TimedRule(
        name,
        name.upper(),
        sli,
        fires,
        figure(threshold, unit),
        figure(seconds, Unit.SECONDS),
        purpose,
        severity,
        levels,
        WHERE,
        quantile,
        only_with,
    )


def slow(seconds: float = 180, **others: object) -> TimedRule:
    """P95 > 500 ms for 3 minutes."""
    return timed(0.5, seconds, sli="http_response_seconds", unit=Unit.SECONDS, quantile=0.95, name="slow", **others)  # type: ignore[arg-type]


def band(low: float, high: float, below: float | None = None, above: float | None = None) -> BandRule:
    """CPU between so much and so much."""
    return BandRule(
        "cpu-band",
        "CPU target",
        "stack_cpu_ratio",
        figure(low, Unit.RATIO, high),
        figure(low if below is None else below, Unit.RATIO),
        figure(high if above is None else above, Unit.RATIO),
        LEVELS,
        WHERE,
    )


def uptime(least: float) -> UptimeRule:
    """An uptime of so much."""
    return UptimeRule("uptime", "Uptime", "request_success_ratio", figure(least, Unit.RATIO), LEVELS, WHERE)


@cache
def long_run(measure_seconds: int) -> Evidence:
    """A sound run whose levels are measured for so long."""
    with patch.dict(PROFILES, {"smoke": ((3, 7, measure_seconds, 5), measure_seconds / 10)}):
        return make_evidence(recovers_after=2)


def with_rules(evidence: Evidence, *rules: Rule) -> Evidence:
    """The same run of a stage with those rules."""
    subject = evidence.subject
    return replace(evidence, subject=replace(subject, stage=replace(subject.stage, rules=rules)))


def with_series(
    evidence: Evidence,
    values: Sequence[float | None],
    source: str = "stack",
    key: str = "cpu_ratio",
    level: str = "peak",
) -> Evidence:
    """One series with a value for each 10-s window of the level's measure phase; None: nothing was seen."""
    start = measured(evidence.plan.level(level)).start_seconds

    def changed(sample):  # type: ignore[no-untyped-def]
        at = int((sample.monotonic_seconds - START - start) // 10)
        if sample.source != source or not 0 <= at < len(values):
            return sample
        value = values[at]
        if value is None:
            return replace(sample, values={}, gap="no answer")
        return replace(sample, values={**sample.values, key: value})

    return replace(evidence, servers=tuple(changed(sample) for sample in evidence.servers))


def with_slow(evidence: Evidence, states: Sequence[bool | None], level: str = "peak") -> Evidence:
    """Windows of 10 s in which every HTTP request is over every bound (True), none is (False), or none came (None)."""
    start = int(measured(evidence.plan.level(level)).start_seconds)
    rows = []
    for row in evidence.requests:
        at = (row.second - start) // 10
        if row.kind == "http" and not row.probe and 0 <= at < len(states):
            state = states[at]
            if state is None:
                continue
            row = replace(row, exceeded=dict.fromkeys(row.exceeded, row.offered if state else 0))
        rows.append(row)
    return replace(evidence, requests=tuple(rows))
