"""The answer in a sentence or two that a lay person understands."""

from __future__ import annotations

from harness.analysis import histogram
from harness.analysis.coverage import generator_lost, is_measured
from harness.analysis.not_proven import unfinished
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of
from harness.analysis.rates import Tally, tally
from harness.analysis.rehearsal import would_be
from harness.analysis.soundness import CARRIED
from harness.analysis.steadiness import PARTLY_TESTED, SHORT_PROFILE
from harness.analysis.survival import RECOVERY_SLI, RESPONSE_SLI
from harness.analysis.tested import percent
from harness.model.evidence import Evidence, Subject
from harness.model.figure import Figure, Provenance
from harness.model.plan import Level, LevelName
from harness.model.run import Manifest
from harness.model.samples import RequestRow
from harness.model.slo import Slo
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome, RuleVerdict, RunVerdict, Severity, Taint, Verdict

TRIAL_KIND = "trial"
"""Of a manifest: a trial of a capacity search, whose peak is the search's own and not the plan's."""


def headline(evidence: Evidence, found: RunVerdict) -> str:
    """The sentence that belongs to the verdict (its own ``headline`` is not read). The outcome's word is not in it."""
    if evidence.manifest.rehearsal and found.outcome is Outcome.INCONCLUSIVE:
        return _rehearsed(evidence, found)
    match found.outcome:
        case Outcome.PASS:
            return _passed(evidence, found)
        case Outcome.FAIL:
            return _failed(evidence, found)
        case Outcome.INVALID:
            return _invalid(evidence, found)
        case Outcome.INCONCLUSIVE:
            return _inconclusive(evidence, found)


def subject(evidence: Evidence) -> str:
    """Whose capacity this is: never the planned system's own, unless it was loaded itself."""
    return whose(evidence.subject, evidence.manifest)


def whose(judged: Subject, manifest: Manifest) -> str:
    """The same, of any kind of run."""
    stage = f"{judged.title} stage {judged.stage.name}"
    if manifest.rehearsal:
        stage += f" {manifest.rehearsal}"
    if manifest.stack == "external":
        return f"the system at {manifest.base_url}, judged as {stage},"
    return f"the reference application, sized as {stage},"


def _rehearsed(evidence: Evidence, found: RunVerdict) -> str:
    stage = f"{evidence.subject.title} stage {evidence.subject.stage.name}"
    would = [would_be(row) for row in found.deciding]
    parts = [
        f"{count:,} of its {len(would):,} rows would {word}" if first else f"{count:,} would {word}"
        for first, word, count in (
            (True, "pass", would.count(Outcome.PASS)),
            (False, "fail", would.count(Outcome.FAIL)),
        )
        if first or count
    ]
    still = len(would) - would.count(Outcome.PASS) - would.count(Outcome.FAIL)
    parts += [f"{still:,} {'is' if still == 1 else 'are'} open"] if still else []
    scale = f"scaled to {evidence.manifest.scale:g}"
    words = f"A rehearsal of {stage}, {scale}, says nothing of the stage itself: {_and(parts)}."
    return words + (f" The run was cut short: {found.cut_short}." if found.cut_short else "")


def _passed(evidence: Evidence, found: RunVerdict) -> str:
    words = f"{_capital(subject(evidence))} carries {_load(evidence)}{_response(evidence, found)}."
    warned = [verdict for verdict in found.everything if verdict.severity is Severity.WARNING]
    if warned:
        words += f" Warning: {_several([_warning(evidence, verdict) for verdict in warned])}."
    return words + _survival(evidence, found) + _untested(found)


def _failed(evidence: Evidence, found: RunVerdict) -> str:
    failed = [verdict for verdict in found.deciding if verdict.outcome is Outcome.FAIL and verdict.proven]
    order = [level.name.value for level in evidence.plan.levels]
    failed.sort(key=lambda verdict: order.index(verdict.level) if verdict.level in order else len(order))
    first = failed[0]
    if first.level == LevelName.PROOF:
        what = f"does not survive {_proof(evidence)}"
    elif first.level == LevelName.RECOVERY:
        what = f"is not back to normal after {_proof(evidence)}"
    elif first.level == LevelName.NORMAL:
        what = f"does not even carry the normal load of {_rate(evidence, LevelName.NORMAL)}"
    else:
        what = f"does not carry {_load(evidence)}"
    words = f"{_capital(subject(evidence))} {what}: {_cell(first)}"
    more = len(failed) - 1
    words += f", and {more} more {'row fails' if more == 1 else 'rows fail'}." if more else "."
    return words + (f" The run was cut short: {found.cut_short}." if found.cut_short else "")


def _invalid(evidence: Evidence, found: RunVerdict) -> str:
    lost = generator_lost(evidence)
    if lost:
        whom = subject(evidence).rstrip(",")
        return f"This run proves nothing about {whom}: {lost}, so that the load was not the planned one."
    tainted = next((verdict for verdict in found.deciding if verdict.outcome is Outcome.INVALID), None)
    why = "its evidence is not sound"
    if tainted is not None:
        check = next((each for each in found.checks if each.id in tainted.tainted_by and not each.passed), None)
        why = tainted.reason.split("; the numbers alone", 1)[0]
        if check is not None:
            where = f" at {check.level}" if check.level else ""
            why = f"{check.title}{where}: {check.value} ({check.limit}); {check.reason}"
    return f"This run proves nothing about {subject(evidence).rstrip(',')}: {why}."


def _inconclusive(evidence: Evidence, found: RunVerdict) -> str:
    start = f"It cannot be said whether {subject(evidence)} carries {_load(evidence)}"
    if found.cut_short:
        return f"{start}: the run was cut short, {found.cut_short}."
    unproven = [verdict for verdict in found.deciding if verdict.outcome is Outcome.FAIL]
    if unproven:
        rows_judged = len(found.deciding)
        return f"{start}: {_cell(unproven[0])}, which is not proven for a run that judges {rows_judged} rows at once."
    open_rows = [verdict for verdict in found.deciding if verdict.outcome is Outcome.INCONCLUSIVE]
    if not open_rows:
        return f"{start}: nothing was judged."
    more = len(open_rows) - 1
    rest = f" ({more} more {'row is' if more == 1 else 'rows are'} open)" if more else ""
    return f"{start}: {_cell(open_rows[0])}{rest}."


def _load(evidence: Evidence) -> str:
    level = _level(evidence, LevelName.PEAK)
    if level is None:
        return "the planned load"
    if evidence.manifest.kind == TRIAL_KIND:
        return f"a trial load of {_requests(level.rate)}"
    return f"the planned peak of {_requests(level.rate)}"


def _proof(evidence: Evidence) -> str:
    return f"the proof load of {_rate(evidence, LevelName.PROOF)}"


def _rate(evidence: Evidence, name: LevelName) -> str:
    level = _level(evidence, name)
    return "its load" if level is None else _requests(level.rate)


def _requests(rate: Figure) -> str:
    number = format_quantity(rate.value, Unit.PER_SECOND).removesuffix("/s")
    return f"{number} requests/s" + (" (assumed)" if rate.provenance is Provenance.ASSUMED else "")


def _response(evidence: Evidence, found: RunVerdict) -> str:
    """``: p95 74 ms of 500 ms allowed (95 % sure, 2,412 requests; …)``; empty without such a row."""
    slo = _response_slo(evidence)
    verdict = None if slo is None else found.cell(slo.id, LevelName.PEAK.value)
    if slo is None or slo.quantile is None or verdict is None or verdict.measurement is None:
        return ""
    warned = verdict.severity is Severity.WARNING
    seen, bound = verdict.measurement, (slo.critical if warned else None) or slo.warning or slo.critical
    assert bound is not None  # Slo's own invariant
    short = f"; {PARTLY_TESTED}" if evidence.plan.profile == SHORT_PROFILE else ""
    return (
        f": p{slo.quantile * 100:.4g} {format_quantity(seen.value, Unit.SECONDS)} of "
        f"{format_quantity(bound.value, bound.unit)} allowed (95 % sure, {seen.n:,} requests{short})"
    )


def _survival(evidence: Evidence, found: RunVerdict) -> str:
    """What happens at three times the peak, when every row of survival passed."""
    level = _level(evidence, LevelName.PROOF)
    cells = [verdict for verdict in found.verdicts if verdict.level == LevelName.PROOF.value]
    if level is None or not cells or not is_measured(evidence, level):
        return ""
    seconds = seconds_of(measured(level))
    found_rows = tuple(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False))
    total = tally(found_rows)
    unsound = {
        taint
        for check in found.checks
        if check.level == level.name.value and check.passed is not True
        for taint in check.taints
    }
    parts = []
    completed = total.completed / len(seconds)
    if completed < CARRIED * level.rate.value and Taint.THROUGHPUT not in unsound:
        parts.append(f"it completes {format_quantity(float(f'{completed:.3g}'), Unit.PER_SECOND)}")
    if Taint.TIMES not in unsound:
        parts += _slowness(found_rows, total)
    slis = {slo.id: slo.sli for slo in evidence.subject.stage.slos}
    judged = {slis.get(verdict.slo_id, ""): verdict for verdict in cells}
    if "lost_writes" in judged:
        parts.append("it loses nothing")
    back = judged.get(RECOVERY_SLI)
    if back is not None and back.measurement is not None:
        after = format_quantity(back.measurement.value, Unit.SECONDS)
        parts.append(
            "it is back to normal at once"
            if back.measurement.value == 0
            else f"it is back to normal {after} after the load falls"
        )
    if not parts:
        return ""
    return f" At {format_quantity(level.rate.value, Unit.PER_SECOND)} {_and(parts)}."


def _slowness(found_rows: tuple[RequestRow, ...], total: Tally) -> list[str]:
    p95 = histogram.quantile(histogram.merge(row.response for row in found_rows), 0.95, total.bad)
    if p95 is not None:
        return [f"its p95 is {format_quantity(p95, Unit.SECONDS)}"]
    return [f"{percent(total.bad / total.offered)} of its answers are bad"] if total.bad else []


def _untested(found: RunVerdict) -> str:
    """``Not tested: 5 rules that take longer than this run.``"""
    number = len(unfinished(found.rules))
    if not number:
        return ""
    return f" Not tested: {number} {'rule' if number == 1 else 'rules'} of the plan that would take a longer run."


def _cell(verdict: Verdict | RuleVerdict) -> str:
    where = "" if verdict.level in verdict.title else f" at {verdict.level}"
    condition = f" {verdict.condition}" if isinstance(verdict, RuleVerdict) else ""
    return f"{verdict.title}{condition}{where}: {verdict.reason.removesuffix('; ' + PARTLY_TESTED)}"


def _warning(evidence: Evidence, verdict: Verdict | RuleVerdict) -> str:
    """``PostgreSQL connections at recovery are 46 %, 40 % allowed; the critical 80 % is kept``."""
    if isinstance(verdict, RuleVerdict):
        return _cell(verdict)
    slo = next((slo for slo in evidence.subject.stage.slos if slo.id == verdict.slo_id), None)
    if slo is None or slo.warning is None or verdict.measurement is None:
        return _cell(verdict)
    where = "" if verdict.level in verdict.title else f" at {verdict.level}"
    value = format_quantity(verdict.measurement.value, verdict.measurement.unit)
    words = f"{verdict.title}{where} {value}, {slo.comparison.sign} {slo.warning} wanted"
    return words if slo.critical is None else f"{words} (the critical {slo.comparison.sign} {slo.critical} is kept)"


def _several(cells: list[str]) -> str:
    more = len(cells) - 1
    return cells[0] + (f" (and {more} more {'warning' if more == 1 else 'warnings'})" if more else "")


def _response_slo(evidence: Evidence) -> Slo | None:
    return next((slo for slo in evidence.subject.stage.slos if slo.sli == RESPONSE_SLI), None)


def _level(evidence: Evidence, name: LevelName) -> Level | None:
    return next((level for level in evidence.plan.levels if level.name is name), None)


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
