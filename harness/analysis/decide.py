"""One SLO against the observations of one level: a ruling, by the rules of methodology §4.

Both bounds are tested. Critical broken: FAIL. Critical undecided: INCONCLUSIVE. Critical kept: PASS, with severity
"warning" when the warning is broken; a warning that is undecided is said in the reason. Where there is only a warning,
breaking it is a PASS with severity "warning", and it must be decided for a PASS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.analysis.facts import hold_comeback, hold_fact
from harness.analysis.intervals import ALPHA
from harness.analysis.means import hold_gauge, hold_throughput
from harness.analysis.observations import (
    Comeback,
    Fact,
    Gauge,
    Observation,
    Shares,
    Throughput,
    Times,
    Unobserved,
)
from harness.analysis.proportions import hold_counted, hold_shares, hold_times
from harness.analysis.tested import State, Tested, quantile_name
from harness.model.figure import Figure
from harness.model.measurement import Measurement
from harness.model.slo import Slo, SloKind
from harness.model.units import format_quantity
from harness.model.verdict import Outcome, Severity


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the numbers say, before anyone asks whether the evidence is sound. proven, admitted and
    admitted_proven: see ``Tested``.
    borderline: the interval holds the critical bound, or the warning. said: what the numbers say in a few words, where
    that is not the outcome's own."""

    outcome: Outcome
    severity: Severity
    measurement: Measurement | None
    bound_value: float | None
    reason: str
    proven: bool = False
    admitted: bool = False
    admitted_proven: bool = False
    borderline: bool = False
    said: str = ""


def decide(slo: Slo, observation: Observation, cells: int = 1, timeout_seconds: float = 0.0) -> Ruling:
    """The ruling on one cell of ``cells``. timeout_seconds: what a quantile among the unanswered is at least."""
    alpha = ALPHA / max(1, cells)
    match observation:
        case Unobserved(reason):
            return Ruling(Outcome.INCONCLUSIVE, Severity.NONE, None, None, reason)
        case Times():
            return _combine(slo, lambda bound: hold_times(slo, observation, bound, alpha, timeout_seconds))
        case Shares() if slo.kind is SloKind.COUNT:
            return _combine(slo, lambda bound: hold_counted(slo, observation, bound))
        case Shares():
            return _combine(slo, lambda bound: hold_shares(slo, observation, bound, alpha))
        case Gauge():
            return _combine(slo, lambda bound: hold_gauge(slo, observation, bound, alpha))
        case Throughput():
            return _combine(slo, lambda bound: hold_throughput(slo, observation, bound, alpha))
        case Fact():
            return _combine(slo, lambda bound: hold_fact(slo, observation, bound))
        case Comeback():
            return _combine(slo, lambda bound: hold_comeback(slo, observation, bound, alpha))


def bound_text(slo: Slo) -> str:
    """The bound as people read it: ``p95 ≤ 500 ms (warning), ≤ 2 s (critical)``."""
    sign = slo.comparison.sign
    parts = [
        f"{sign} {format_quantity(figure.value, figure.unit)}{role}"
        for figure, role in ((slo.warning, " (warning)"), (slo.critical, " (critical)" if slo.warning else ""))
        if figure is not None
    ]
    return f"{quantile_name(slo)} {', '.join(parts)}".strip()


def _combine(slo: Slo, test: Callable[[Figure], Tested]) -> Ruling:
    warning = None if slo.warning is None else test(slo.warning)
    critical = None if slo.critical is None else test(slo.critical)
    if critical is not None and critical.state is not State.KEPT:
        return _not_kept(slo, slo.critical, critical)
    if warning is None:
        assert critical is not None  # an SLO has a bound
        return _ruling(Outcome.PASS, Severity.NONE, slo.critical, critical, critical.words)
    match warning.state:
        case State.KEPT:
            return _ruling(Outcome.PASS, Severity.NONE, slo.warning, warning, warning.words)
        case State.BROKEN:
            kept = "the warning is broken" + ("" if critical is None else ", the critical bound is kept")
            return _ruling(Outcome.PASS, Severity.WARNING, slo.warning, warning, f"{kept}: {warning.words}")
        case State.UNDECIDED if critical is None:
            return _not_kept(slo, slo.warning, warning)
        case State.UNDECIDED:
            assert critical is not None
            reason = f"{critical.words}; warning undecided: {warning.words}, {warning.needed}"
            ruling = _ruling(Outcome.PASS, Severity.NONE, slo.critical, critical, reason)
            return replace(ruling, borderline=warning.overlaps)


def _not_kept(slo: Slo, bound: Figure | None, tested: Tested) -> Ruling:
    if tested.state is State.BROKEN:
        ruling = _ruling(Outcome.FAIL, Severity.CRITICAL, bound, tested, tested.words)
        admitted, also_proven = tested.admitted, tested.admitted_proven
        return replace(ruling, proven=tested.proven, admitted=admitted, admitted_proven=also_proven)
    sure = "" if slo.kind is SloKind.COUNT else " with 95 % certainty"
    reason = f"{tested.words}: neither kept nor broken{sure}, {tested.needed}"
    ruling = _ruling(Outcome.INCONCLUSIVE, Severity.NONE, bound, tested, reason)
    return replace(ruling, borderline=tested.overlaps)


def _ruling(outcome: Outcome, severity: Severity, bound: Figure | None, tested: Tested, reason: str) -> Ruling:
    return Ruling(outcome, severity, tested.measurement, None if bound is None else bound.value, reason)
