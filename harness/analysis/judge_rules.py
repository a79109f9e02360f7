"""Every rule of the stage at every level where it is judged (methodology §4, "Rules"; docs/adr/0008)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.analysis.checks import worker_lost
from harness.analysis.coverage import has_begun, is_measured
from harness.analysis.decide import Ruling
from harness.analysis.slis import Sli, sli
from harness.analysis.temper import Circumstances, assumed, taint, taints, temper
from harness.analysis.timed import UNSEEN, Finding, hold_timed
from harness.analysis.utilisation import hold_band, hold_uptime
from harness.analysis.windows import Windows
from harness.model.evidence import Evidence
from harness.model.figure import Figure
from harness.model.hostsize import HostSize
from harness.model.plan import Level
from harness.model.rule import BandRule, Rule, TimedRule, UptimeRule
from harness.model.verdict import CheckResult, Outcome, RuleVerdict, Severity


def judge_rules(
    evidence: Evidence,
    checks: tuple[CheckResult, ...],
    circumstances: Mapping[str, Circumstances],
    host: HostSize,
    short: str,
    *,
    lost: str = "",
) -> tuple[RuleVerdict, ...]:
    """The verdicts, in the order of the stage's rules.

    circumstances: of each level that was measured to its end. short: why the run was cut short, if it was. lost: what
    became of the generator, if that was why.
    """
    stage = evidence.subject.stage
    windows = Windows(evidence)
    cells = sum(len(row.levels) for row in (*stage.slos, *stage.rules))
    levels = {level.name.value: level for level in evidence.plan.levels}
    verdicts = []
    for rule in stage.rules:
        for name in rule.levels:
            level = levels.get(name)
            measure = _measure(rule)
            tainted: tuple[str, ...] = ()
            if level is None:
                found = _nothing("this load plan has no such level")
            elif measure is None:
                found = _nothing(f"nothing measures {rule.sli}")
            elif not is_measured(evidence, level) and has_begun(evidence, level) and lost:
                found = _unsound(lost)
                tainted = (worker_lost.CHECK.id,)
            elif not is_measured(evidence, level):
                found = _nothing(f"{'cut short' if has_begun(evidence, level) else 'never reached'}: {short}")
            else:
                found = _find(rule, measure, windows, level, cells)
                ruling = found.ruling
                if found.counts or ruling.outcome is not Outcome.INCONCLUSIVE:
                    tainted = taints(ruling, measure, checks, name, name)
                    if not tainted and taints(replace(ruling, admitted=False), measure, checks, name, name):
                        ruling = replace(ruling, proven=ruling.admitted_proven)  # only what was admitted counts
                    if tainted:
                        ruling = taint(ruling, checks, tainted)
                    else:
                        # A rule that fired needs no steady state: it did.
                        steady = measure.steady and found.fired_after_seconds is None
                        ruling = temper(ruling, measure, circumstances[name], host, steady=steady)
                    found = replace(found, ruling=ruling)
            verdicts.append(_verdict(rule, name, level, found, tainted))
    return tuple(verdicts)


def _measure(rule: Rule) -> Sli | None:
    try:
        return sli(rule.sli)
    except KeyError:
        return None


def _find(rule: Rule, measure: Sli, windows: Windows, level: Level, cells: int) -> Finding:
    match rule:
        case TimedRule():
            return hold_timed(rule, measure, windows, level)
        case BandRule():
            return hold_band(rule, measure.observe(windows.evidence, level))
        case UptimeRule():
            return hold_uptime(rule, measure.observe(windows.evidence, level), level, cells)


def _nothing(reason: str) -> Finding:
    return Finding(Ruling(Outcome.INCONCLUSIVE, Severity.NONE, None, None, reason, said=UNSEEN), UNSEEN, True)


def _unsound(lost: str) -> Finding:
    reason = f"the evidence is not sound: {lost}"
    return Finding(Ruling(Outcome.INVALID, Severity.NONE, None, None, reason, said=UNSEEN), UNSEEN, True)


def _verdict(rule: Rule, name: str, level: Level | None, found: Finding, tainted: tuple[str, ...]) -> RuleVerdict:
    ruling = found.ruling
    # Breaking a warning is a PASS with severity "warning", as it is for SLOs.
    warned = ruling.outcome is Outcome.FAIL and ruling.severity is Severity.WARNING
    outcome = Outcome.PASS if warned else ruling.outcome
    return RuleVerdict(
        outcome=outcome,
        severity=ruling.severity,
        rule_id=rule.id,
        kind=rule.kind,
        title=rule.title,
        level=name,
        purpose=rule.purpose.value if isinstance(rule, TimedRule) else "",
        condition=rule.condition,
        state=found.state,
        measurement=ruling.measurement,
        reason=ruling.reason,
        citation=rule.citation,
        counts=found.counts,
        fired_after_seconds=found.fired_after_seconds,
        needed_seconds=found.needed_seconds,
        proven=ruling.proven and outcome is Outcome.FAIL,
        assumed=assumed(level, _figures(rule)),
        tainted_by=tainted,
    )


def _figures(rule: Rule) -> tuple[tuple[str, Figure], ...]:
    match rule:
        case TimedRule():
            return ("threshold", rule.threshold), ("duration", rule.duration)
        case BandRule():
            return ("target", rule.target), ("lower edge", rule.over_below), ("upper edge", rule.under_above)
        case UptimeRule():
            return (("promise", rule.least),)
