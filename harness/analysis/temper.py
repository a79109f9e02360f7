"""What may not be concluded from the numbers alone: unsound evidence, an unsteady level, the wrong machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.analysis.decide import Ruling
from harness.analysis.slis import Sli
from harness.analysis.steadiness import PARTLY_TESTED, Steadiness
from harness.model.evidence import Evidence
from harness.model.figure import Figure, Provenance
from harness.model.hostsize import HostSize
from harness.model.plan import Level
from harness.model.verdict import CheckResult, Outcome, Severity, Taint

LOAD_TAINTS = frozenset({Taint.TIMES, Taint.THROUGHPUT, Taint.SERVER_SERIES})
"""A check that taints all of these says that the load itself was not the planned one."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of one level beside its observations: texts are empty where nothing speaks against it."""

    steadiness: Steadiness
    contention: str
    not_carried: str


NOTHING_KNOWN = Circumstances(Steadiness("", "", False), "", "")


def temper(ruling: Ruling, measure: Sli, seen: Circumstances, host: HostSize, *, steady: bool) -> Ruling:
    """What may not be concluded although the numbers say so. steady: the row needs a steady state (no fact does)."""
    passed, failed = ruling.outcome is Outcome.PASS, ruling.outcome is Outcome.FAIL
    if steady and (passed or failed):
        # Under a growing backlog times drift and halves disagree because it only gets worse: a FAIL needs no more.
        if seen.steadiness.unsteady and (passed or not seen.steadiness.growing):
            return but(ruling, Outcome.INCONCLUSIVE, f"not in a steady state: {seen.steadiness.unsteady}")
        if passed and seen.steadiness.growing:
            return but(ruling, Outcome.INCONCLUSIVE, f"a backlog grows ({seen.steadiness.growing}): it gets worse")
    if passed and measure.downstream and seen.not_carried:
        return but(ruling, Outcome.INCONCLUSIVE, f"{seen.not_carried}: the servers saw less than the planned load")
    if passed and host.larger:
        return but(
            ruling,
            Outcome.INVALID,
            f"the host is larger than the stage and its limits are not enforced ({host.larger})",
        )
    if failed and host.smaller and measure.bound_by_size:
        return but(ruling, Outcome.INCONCLUSIVE, f"the host is smaller than the stage ({host.smaller})")
    if failed and seen.contention and set(measure.taints) & {Taint.TIMES, Taint.THROUGHPUT}:
        return but(ruling, Outcome.INCONCLUSIVE, f"generator and servers fought for the same cores ({seen.contention})")
    if passed and steady and seen.steadiness.partly:
        return replace(ruling, reason=f"{ruling.reason}; {PARTLY_TESTED}")
    return ruling


def taints(ruling: Ruling, measure: Sli, checks: Iterable[CheckResult], level: str, seen_in: str) -> tuple[str, ...]:
    """Ids of the failed checks that make the cell unsound.

    That something bad happened (a kill, an HTTP 500) is a fact whatever the generator did; that it did not happen
    under the planned load is one only if that load was applied.
    """
    found = []
    admitted = ruling.outcome is Outcome.FAIL and ruling.admitted
    for check in checks:
        if check.passed or check.level not in ("", level, seen_in):
            continue
        touched = set(check.taints)
        at_risk = {Taint.EVERYTHING} if admitted else {*measure.taints, Taint.EVERYTHING}
        direct = check.level in ("", seen_in) and bool(touched & at_risk)
        unloaded = not measure.steady and ruling.outcome is Outcome.PASS and touched >= LOAD_TAINTS
        if (direct or unloaded) and check.id not in found:
            found.append(check.id)
    return tuple(found)


def taint(ruling: Ruling, checks: Iterable[CheckResult], tainted: tuple[str, ...]) -> Ruling:
    """INVALID, because of these failed checks."""
    first = next(check for check in checks if check.id in tainted and not check.passed)
    more = f" and {len(tainted) - 1} more" if len(tainted) > 1 else ""
    return but(ruling, Outcome.INVALID, f"the evidence is not sound: {first.title}: {first.reason}{more}")


def seen_in(evidence: Evidence, level: Level, measure: Sli) -> Level:
    """The level in which the SLI's observations were made."""
    if measure.afterwards:
        levels = evidence.plan.levels
        at = levels.index(level)
        return levels[min(at + 1, len(levels) - 1)]
    return level


def but(ruling: Ruling, outcome: Outcome, why: str) -> Ruling:
    """Another outcome than the numbers', which stay in the reason."""
    said = f"the numbers alone say {ruling.said or ruling.outcome}: {ruling.reason}"
    reason = f"{why}; {said}"
    return replace(ruling, outcome=outcome, severity=Severity.NONE, proven=False, borderline=False, reason=reason)


def assumed(level: Level | None, figures: Iterable[tuple[str, Figure | None]]) -> tuple[str, ...]:
    """What a verdict rests on that the plan does not say: the level's rate, and these figures by what they are."""
    named: list[tuple[str, Figure | None]] = [] if level is None else [(f"{level.name.value}:", level.rate)]
    return tuple(
        f"{what} {figure}: {figure.note}"
        for what, figure in (*named, *figures)
        if figure is not None and figure.provenance is Provenance.ASSUMED
    )
