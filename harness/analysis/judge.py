"""From evidence to the answer: every SLO at every level, then the run (architecture, "Verdicts")."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.analysis.bottleneck import find_bottleneck
from harness.analysis.checks import run_checks
from harness.analysis.coverage import cut_short, has_begun, is_measured
from harness.analysis.decide import Ruling, bound_text, decide
from harness.analysis.headline import headline
from harness.analysis.not_proven import not_proven
from harness.analysis.observations import Fact, Observation, Unobserved
from harness.analysis.slis import Sli, sli
from harness.analysis.soundness import HostSize, contention, host_size, not_carried
from harness.analysis.steadiness import PARTLY_TESTED, Steadiness, steadiness
from harness.model.evidence import Evidence
from harness.model.figure import Figure, Provenance
from harness.model.plan import Level
from harness.model.slo import Slo, SloKind
from harness.model.verdict import CheckResult, Outcome, RunVerdict, Severity, Taint, Verdict

LOAD_TAINTS = frozenset({Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES})
"""A check that taints all of these says that the load itself was not the planned one."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of one level beside its observations: texts are empty where nothing speaks against it."""

    steadiness: Steadiness
    contention: str
    not_carried: str


_NOTHING_KNOWN = Circumstances(Steadiness("", "", False), "", "")


def judge(evidence: Evidence) -> RunVerdict:
    """The verdict on a run, complete or not. Pure: the same evidence always gives the same verdict."""
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
            seen_in = _seen_in(evidence, level, measure).name.value
            if {name, seen_in} <= circumstances.keys():
                tainted = _taints(ruling, measure, checks, name, seen_in)
                if not tainted and _taints(replace(ruling, admitted=False), measure, checks, name, seen_in):
                    ruling = replace(ruling, proven=ruling.admitted_proven)  # only what was admitted counts
            if tainted:
                ruling = _taint(ruling, checks, tainted)
            else:
                steady = measure.steady and slo.kind is not SloKind.COUNT
                ruling = _temper(ruling, measure, circumstances.get(seen_in, _NOTHING_KNOWN), host, steady=steady)
        verdicts.append(_verdict(slo, name, level, ruling, tainted))
    outcome = run_outcome(verdicts, short)
    severity = max((verdict.severity for verdict in verdicts), key=_SEVERITIES.index, default=Severity.NONE)
    found = RunVerdict(
        outcome, severity, "", tuple(verdicts), checks, not_proven(evidence), short, find_bottleneck(evidence)
    )
    return replace(found, headline=headline(evidence, found))


_SEVERITIES = (Severity.NONE, Severity.WARNING, Severity.CRITICAL)


def run_outcome(verdicts: Iterable[Verdict], short: str = "") -> Outcome:
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
    seen = is_measured(evidence, level) and is_measured(evidence, _seen_in(evidence, level, measure))
    if begun and not seen:
        proven = isinstance(observation, Fact) and ruling.outcome is Outcome.FAIL
        return (ruling if proven else _inconclusive(f"cut short: {short}")), measure
    return ruling, measure


def _temper(ruling: Ruling, measure: Sli, seen: Circumstances, host: HostSize, *, steady: bool) -> Ruling:
    """What may not be concluded although the numbers say so. steady: the row needs a steady state (no fact does)."""
    passed, failed = ruling.outcome is Outcome.PASS, ruling.outcome is Outcome.FAIL
    if steady and (passed or failed):
        # Under a growing backlog times drift and halves disagree because it only gets worse: a FAIL needs no more.
        if seen.steadiness.unsteady and (passed or not seen.steadiness.growing):
            return _but(ruling, Outcome.INCONCLUSIVE, f"not in a steady state: {seen.steadiness.unsteady}")
        if passed and seen.steadiness.growing:
            return _but(ruling, Outcome.INCONCLUSIVE, f"a backlog grows ({seen.steadiness.growing}): it gets worse")
    if passed and measure.downstream and seen.not_carried:
        return _but(ruling, Outcome.INCONCLUSIVE, f"{seen.not_carried}: the servers saw less than the planned load")
    if passed and host.larger:
        return _but(
            ruling,
            Outcome.INVALID,
            f"the host is larger than the stage and its limits are not enforced ({host.larger})",
        )
    if failed and host.smaller and measure.bound_by_size:
        return _but(ruling, Outcome.INCONCLUSIVE, f"the host is smaller than the stage ({host.smaller})")
    if failed and seen.contention and set(measure.taints) & {Taint.TIMES, Taint.THROUGHPUT}:
        return _but(
            ruling, Outcome.INCONCLUSIVE, f"generator and servers fought for the same cores ({seen.contention})"
        )
    if passed and steady and seen.steadiness.partly:
        return replace(ruling, reason=f"{ruling.reason}; {PARTLY_TESTED}")
    return ruling


def _taints(ruling: Ruling, measure: Sli, checks: Iterable[CheckResult], level: str, seen_in: str) -> tuple[str, ...]:
    """Ids of the failed checks that make the cell unsound.

    That something bad happened (a kill, an HTTP 500) is a fact whatever the generator did; that it did not happen
    under the planned load is one only if that load was applied.
    """
    found = []
    admitted = ruling.outcome is Outcome.FAIL and ruling.admitted
    for check in checks:
        if check.passed or check.level not in ("", level, seen_in):
            continue
        taints = set(check.taints)
        at_risk = {Taint.EVERYTHING} if admitted else {*measure.taints, Taint.EVERYTHING}
        direct = check.level in ("", seen_in) and bool(taints & at_risk)
        unloaded = not measure.steady and ruling.outcome is Outcome.PASS and taints >= LOAD_TAINTS
        if (direct or unloaded) and check.id not in found:
            found.append(check.id)
    return tuple(found)


def _taint(ruling: Ruling, checks: Iterable[CheckResult], tainted: tuple[str, ...]) -> Ruling:
    first = next(check for check in checks if check.id in tainted and not check.passed)
    more = f" and {len(tainted) - 1} more" if len(tainted) > 1 else ""
    return _but(ruling, Outcome.INVALID, f"the evidence is not sound: {first.title}: {first.reason}{more}")


def _seen_in(evidence: Evidence, level: Level, measure: Sli) -> Level:
    """The level in which the SLI's observations were made."""
    if measure.afterwards:
        levels = evidence.plan.levels
        at = levels.index(level)
        return levels[min(at + 1, len(levels) - 1)]
    return level


def _but(ruling: Ruling, outcome: Outcome, why: str) -> Ruling:
    """Another outcome than the numbers', which stay in the reason."""
    said = f"the numbers alone say {ruling.outcome}: {ruling.reason}"
    reason = f"{why}; {said}"
    return replace(ruling, outcome=outcome, severity=Severity.NONE, proven=False, borderline=False, reason=reason)


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
        assumed=tuple(_assumed(slo, level)),
        tainted_by=tainted,
        borderline=ruling.borderline,
    )


def _assumed(slo: Slo, level: Level | None) -> Iterable[str]:
    if level is not None and level.rate.provenance is Provenance.ASSUMED:
        yield f"{level.name.value}: {_said(level.rate)}"
    for figure in (slo.warning, slo.critical):
        if figure is not None and figure.provenance is Provenance.ASSUMED:
            yield f"bound {_said(figure)}"
    if slo.note and slo.quantile is not None:
        yield slo.note


def _said(figure: Figure) -> str:
    return f"{figure}: {figure.note}"
