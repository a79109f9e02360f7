"""From evidence to the answer: every SLO at every level, then the run (architecture, "Verdicts")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.analysis.bottleneck import find_bottleneck
from harness.analysis.checks import run_checks
from harness.analysis.coverage import cut_short, has_begun, is_measured
from harness.analysis.decide import Ruling, bound_text, decide
from harness.analysis.headline import headline
from harness.analysis.judge_rules import judge_rules
from harness.analysis.not_proven import not_proven
from harness.analysis.observations import Fact, Observation, Unobserved
from harness.analysis.order import in_order
from harness.analysis.slis import Sli, sli
from harness.analysis.soundness import contention, host_size, not_carried
from harness.analysis.steadiness import steadiness
from harness.analysis.temper import NOTHING_KNOWN, Circumstances, assumed, seen_in, taint, taints, temper
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.slo import Slo, SloKind
from harness.model.verdict import Outcome, RuleVerdict, RunVerdict, Severity, Verdict


def judge(evidence: Evidence) -> RunVerdict:
    """The verdict on a run, complete or not. Pure: the same evidence always gives the same verdict, in whatever order
    its rows were written."""
    evidence = in_order(evidence)
    checks = run_checks(evidence)
    short = cut_short(evidence)
    host = host_size(evidence)
    plan_levels = {level.name.value: level for level in evidence.plan.levels}
    circumstances = {
        name: Circumstances(steadiness(evidence, level), contention(evidence, level), not_carried(evidence, level))
        for name, level in plan_levels.items()
        if is_measured(evidence, level)
    }
    cells = [(slo, name) for slo in evidence.subject.stage.slos for name in slo.levels]
    verdicts = []
    for slo, name in cells:
        level = plan_levels.get(name)
        if level is None:
            ruling = _inconclusive("this load plan has no such level")
            verdicts.append(_verdict(slo, name, None, ruling, ()))
            continue
        ruling, measure = _rule(evidence, slo, level, len(cells), short)
        tainted: tuple[str, ...] = ()
        if measure is not None:
            observed_in = seen_in(evidence, level, measure).name.value
            if {name, observed_in} <= circumstances.keys():
                tainted = taints(ruling, measure, checks, name, observed_in)
                if not tainted and taints(replace(ruling, admitted=False), measure, checks, name, observed_in):
                    ruling = replace(ruling, proven=ruling.admitted_proven)  # only what was admitted counts
            if tainted:
                ruling = taint(ruling, checks, tainted)
            else:
                steady = measure.steady and slo.kind is not SloKind.COUNT
                ruling = temper(ruling, measure, circumstances.get(observed_in, NOTHING_KNOWN), host, steady=steady)
        verdicts.append(_verdict(slo, name, level, ruling, tainted))
    rules = judge_rules(evidence, checks, circumstances, host, short)
    found = RunVerdict(Outcome.INCONCLUSIVE, Severity.NONE, "", tuple(verdicts), checks, (), short, rules)
    found = replace(
        found,
        outcome=run_outcome(found.deciding, short),
        severity=max((each.severity for each in found.everything), key=_SEVERITIES.index, default=Severity.NONE),
        not_proven=not_proven(evidence, rules),
        bottleneck=find_bottleneck(evidence),
    )
    return replace(found, headline=headline(evidence, found))


_SEVERITIES = (Severity.NONE, Severity.WARNING, Severity.CRITICAL)


def run_outcome(verdicts: Iterable[Verdict | RuleVerdict], short: str = "") -> Outcome:
    """Precedence: a proven FAIL, then INVALID, then INCONCLUSIVE, then PASS.

    A FAIL that is not proven at 5 % ÷ number of cells leaves the run INCONCLUSIVE, and so does being cut short or
    having nothing to judge.
    """
    cells = tuple(verdicts)
    outcomes = {verdict.outcome for verdict in cells}
    if any(verdict.outcome is Outcome.FAIL and verdict.proven for verdict in cells):
        return Outcome.FAIL
    if short or not cells:
        return Outcome.INCONCLUSIVE
    if Outcome.INVALID in outcomes:
        return Outcome.INVALID
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.INCONCLUSIVE


def _rule(evidence: Evidence, slo: Slo, level: Level, cells: int, short: str) -> tuple[Ruling, Sli | None]:
    try:
        measure = sli(slo.sli)
    except KeyError:
        return _inconclusive(f"nothing measures {slo.sli}"), None
    begun = has_begun(evidence, level)
    observation: Observation = measure.observe(evidence, level) if begun else Unobserved(f"never reached: {short}")
    ruling = decide(slo, observation, cells, evidence.plan.request_timeout_seconds)
    seen = is_measured(evidence, level) and is_measured(evidence, seen_in(evidence, level, measure))
    if begun and not seen:
        proven = isinstance(observation, Fact) and ruling.outcome is Outcome.FAIL
        return (ruling if proven else _inconclusive(f"cut short: {short}")), measure
    return ruling, measure


def _inconclusive(reason: str) -> Ruling:
    return Ruling(Outcome.INCONCLUSIVE, Severity.NONE, None, None, reason)


def _verdict(slo: Slo, name: str, level: Level | None, ruling: Ruling, tainted: tuple[str, ...]) -> Verdict:
    return Verdict(
        outcome=ruling.outcome,
        severity=ruling.severity,
        slo_id=slo.id,
        title=slo.title,
        level=name,
        measurement=ruling.measurement,
        bound=bound_text(slo),
        bound_value=ruling.bound_value,
        reason=ruling.reason,
        citation=slo.citation,
        proven=ruling.proven and ruling.outcome is Outcome.FAIL,
        assumed=(
            *assumed(level, (("bound", slo.warning), ("bound", slo.critical))),
            *((slo.note,) if slo.note and slo.quantile is not None else ()),
        ),
        tainted_by=tainted,
        borderline=ruling.borderline,
    )
