"""A verdict is a value. Missing evidence never passes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.bottleneck import Bottleneck
from harness.model.figure import Citation
from harness.model.measurement import Measurement


class Outcome(StrEnum):
    """The four outcomes, for a cell and for the run."""

    PASS = "PASS"  # noqa: S105 - an outcome, no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class Severity(StrEnum):
    """The worst bound that a cell's evidence breaks."""

    NONE = "none"
    WARNING = "warning"
    CRITICAL = "critical"


class Taint(StrEnum):
    """What a failed validity check makes unsound."""

    TIMES = "times"
    THROUGHPUT = "throughput"
    SERVER_SERIES = "server_series"
    WRITES = "writes"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One validity check over one level (or over the run: level ""). passed None: could not be evaluated."""

    id: str
    title: str
    level: str
    passed: bool | None
    value: str
    limit: str
    reason: str
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One SLO at one level.

    bound: as people read it ("p95 ≤ 500 ms (warning), ≤ 2 s (critical)"); bound_value: the decisive one, in base units.
    proven: the FAIL also holds at 5 % ÷ number of cells, or is a fact that needs no statistics.
    assumed: the verdict rests on an assumed figure (level rate, quantile…); the reason says which.
    borderline: the interval overlaps the bound (INCONCLUSIVE), or the warning of a PASS: the same run made again may be
    judged otherwise.
    """

    outcome: Outcome
    severity: Severity
    slo_id: str
    title: str
    level: str
    measurement: Measurement | None
    bound: str
    bound_value: float | None
    reason: str
    citation: Citation
    proven: bool = False
    assumed: tuple[str, ...] = ()
    tainted_by: tuple[str, ...] = ()
    borderline: bool = False


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """One rule at one level.

    kind: timed, band or uptime. purpose: scale-up, scale-down or alert, of a timed rule; else empty.
    condition: as people read it ("> 70 % for 5:00 min"). state: what was found, in a few words ("did not fire").
    fired_after_seconds: from the start of the measure phase to the end of the window that completed the rule.
    needed_seconds: how long a measure phase it takes to complete the rule, or to make the claim if nothing is bad; None
    where this one was long enough.
    counts: whether it has a say in the run's outcome. What this profile could not have completed has none, nor has what
    only informs (scale-down, utilisation); not_proven names the former.
    proven, assumed, tainted_by: as in ``Verdict``.
    """

    outcome: Outcome
    severity: Severity
    rule_id: str
    kind: str
    title: str
    level: str
    purpose: str
    condition: str
    state: str
    measurement: Measurement | None
    reason: str
    citation: Citation
    counts: bool
    fired_after_seconds: float | None = None
    needed_seconds: float | None = None
    proven: bool = False
    assumed: tuple[str, ...] = ()
    tainted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """The answer.

    headline: one sentence that a lay person understands. not_proven: what this run says nothing about.
    bottleneck: what was saturated first; a finding beside the verdict, which it never changes.
    """

    outcome: Outcome
    severity: Severity
    headline: str
    verdicts: tuple[Verdict, ...]
    checks: tuple[CheckResult, ...]
    not_proven: tuple[str, ...]
    cut_short: str = ""
    rules: tuple[RuleVerdict, ...] = ()
    bottleneck: Bottleneck | None = None

    @property
    def everything(self) -> tuple[Verdict | RuleVerdict, ...]:
        """The SLOs' cells, then all rules."""
        return (*self.verdicts, *self.rules)

    @property
    def deciding(self) -> tuple[Verdict | RuleVerdict, ...]:
        """Everything that has a say in the outcome: the SLOs' cells, then the rules that count."""
        return (*self.verdicts, *(rule for rule in self.rules if rule.counts))

    def rule(self, rule_id: str, level: str) -> RuleVerdict | None:
        """The verdict of one rule at one level, None where it is not judged."""
        for rule in self.rules:
            if rule.rule_id == rule_id and rule.level == level:
                return rule
        return None

    def cell(self, slo_id: str, level: str) -> Verdict | None:
        """The verdict of one SLO at one level, None where it is not judged."""
        for verdict in self.verdicts:
            if verdict.slo_id == slo_id and verdict.level == level:
                return verdict
        return None
