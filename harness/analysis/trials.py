"""What became of one trial of a capacity search: the verdict on its evidence, and the figures of its curve. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import histogram
from harness.analysis.judge import judge
from harness.analysis.phases import HTTP_KINDS, measured, rows, seconds_of
from harness.analysis.rates import tally
from harness.analysis.survival import RESPONSE_SLI
from harness.analysis.tested import percent
from harness.model.bottleneck import Confidence
from harness.model.capacity import Trial, TrialResult
from harness.model.evidence import Evidence
from harness.model.samples import RequestRow
from harness.model.slo import SloKind
from harness.model.verdict import Outcome, RunVerdict, Severity, Verdict

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class JudgedTrial:
    """A trial's line, its verdict, and the SLOs whose warning it broke."""

    result: TrialResult
    verdict: RunVerdict

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a PASS is warned of, a phrase each."""
        return tuple(
            f"{cell.title}: {cell.reason}" for cell in self.verdict.verdicts if cell.severity is Severity.WARNING
        )


def judge_trial(evidence: Evidence, trial: Trial, *, took_seconds: float, drained: bool, folder: str) -> JudgedTrial:
    """The judge's verdict on the trial's run, as a line of trials.jsonl."""
    verdict = judge(evidence)
    cell = deciding(verdict)
    level = evidence.plan.levels[0]
    seconds = seconds_of(measured(level))
    found = tuple(rows(evidence, seconds, kinds=HTTP_KINDS, probes=False))
    total = tally(found)
    bad, n = _response(evidence, verdict) or (total.bad, total.offered)
    result = TrialResult(
        trial=trial,
        # What was cut short was not this trial; only a proven FAIL stands.
        outcome=Outcome.INVALID if verdict.cut_short and verdict.outcome is not Outcome.FAIL else verdict.outcome,
        reason=_reason(verdict, cell),
        deciding="" if cell is None else cell.slo_id,
        took_seconds=took_seconds,
        offered_per_second=total.offered / len(seconds),
        throughput_per_second=total.completed / len(seconds),
        concurrency=sum(row.service.sum_seconds for row in found) / len(seconds),
        quantiles_seconds=_quantiles(found, total.bad),
        bad=bad,
        n=n,
        drained=drained,
        folder=folder,
        bottleneck=_bottleneck(verdict),
    )
    return JudgedTrial(result, verdict)


def _bottleneck(verdict: RunVerdict) -> str:
    found = verdict.bottleneck
    broke = found is not None and found.confidence in (Confidence.NAMED, Confidence.UNDETERMINED)
    return found.sentence if found is not None and broke and verdict.outcome is not Outcome.INVALID else ""


def deciding(verdict: RunVerdict) -> Verdict | None:
    """The cell that made the trial no PASS; None when it is one, or when no single cell did."""
    if verdict.outcome is Outcome.PASS:
        return None
    for cell in verdict.verdicts:
        if cell.outcome is verdict.outcome and (cell.proven or cell.outcome is not Outcome.FAIL):
            return cell
    return next((cell for cell in verdict.verdicts if cell.outcome is Outcome.FAIL), None)


def _reason(verdict: RunVerdict, cell: Verdict | None) -> str:
    if verdict.outcome is Outcome.PASS:
        broken = [each.title for each in verdict.verdicts if each.severity is Severity.WARNING]
        return f"every bound kept{'; warning broken: ' + ', '.join(broken) if broken else ''}"
    if verdict.outcome is not Outcome.FAIL and verdict.cut_short:
        return f"cut short: {verdict.cut_short}"
    if cell is None:
        return "nothing was judged"
    unproven = "; not proven with so many rows judged at once"
    return f"{cell.title}: {cell.reason}{unproven if cell.outcome is Outcome.FAIL and not cell.proven else ''}"


def _response(evidence: Evidence, verdict: RunVerdict) -> tuple[int, int] | None:
    """(bad, n) of the response-time SLO, against its decisive bound."""
    ids = {slo.id for slo in evidence.subject.stage.slos if slo.sli == RESPONSE_SLI and slo.kind is SloKind.QUANTILE}
    for cell in verdict.verdicts:
        if cell.slo_id in ids and cell.measurement is not None and cell.measurement.bad is not None:
            return cell.measurement.bad, cell.measurement.n
    return None


def _quantiles(found: Sequence[RequestRow], bad: int) -> Mapping[str, float]:
    """Of the response times; one that lies among the bad requests has no value, and no line."""
    merged = histogram.merge(row.response for row in found)
    values = {f"{p:g}": histogram.quantile(merged, p, bad) for p in QUANTILES}
    return {name: value for name, value in values.items() if value is not None}


def bad_words(result: TrialResult) -> str:
    """``3.1 % of 2,412 bad``."""
    return f"{percent(result.bad / result.n)} of {result.n:,}" if result.n else "–"
