"""The answer of a capacity search: is the planned peak carried, and where does it end? Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.analysis.headline import whose
from harness.analysis.trials import JudgedTrial, judge_trial
from harness.model.capacity import Bracket, SearchEnd, TrialResult
from harness.model.exploration import CapacityEvidence, CapacityVerdict
from harness.model.figure import Figure, Provenance
from harness.model.units import Unit, format_quantity
from harness.model.verdict import Outcome

SAME = 1e-9
"""Rates this close (relative) are the same: they come from multiplying."""


def judge_trials(found: CapacityEvidence) -> tuple[JudgedTrial | None, ...]:
    """Every trial judged again from its own evidence; None where that has gone, and the line stands as it is."""
    return tuple(
        None
        if evidence is None
        else judge_trial(evidence, line.trial, took_seconds=line.took_seconds, drained=line.drained, folder=line.folder)
        for line, evidence in zip(found.lines, found.trials, strict=True)
    )


def results_of(found: CapacityEvidence, judged: Sequence[JudgedTrial | None]) -> tuple[TrialResult, ...]:
    """The lines, each as it is judged now."""
    return tuple(line if now is None else now.result for line, now in zip(found.lines, judged, strict=True))


def answer(found: CapacityEvidence, judged: Sequence[JudgedTrial | None], end: SearchEnd) -> CapacityVerdict:
    """The verdict on the search. end: of the state machine, over the results as they are judged now."""
    results = results_of(found, judged)
    peak = found.search.planned_peak
    outcome = outcome_of(end, results, peak.value)
    return CapacityVerdict(
        outcome=outcome,
        headline=_headline(found, end, outcome),
        more=" ".join(_more(found, end, results)),
        planned_peak=peak,
        end=end,
        results=results,
        warnings=_warnings(judged, end.bracket),
        not_proven=tuple(_not_proven(found, judged, end)),
    )


def outcome_of(end: SearchEnd, results: Sequence[TrialResult], planned_peak_per_second: float) -> Outcome:
    """PASS: the confirmed lower end reaches the planned peak. FAIL: a proven FAIL lies at or below it. INVALID: the
    search knows neither, and its last trial was unsound. INCONCLUSIVE otherwise."""
    bracket = end.bracket
    lower, upper = bracket.lower_per_second, bracket.upper_per_second
    if lower is not None and bracket.confirmed and lower >= planned_peak_per_second * (1 - SAME):
        return Outcome.PASS
    if upper is not None and bracket.proven and upper <= planned_peak_per_second * (1 + SAME):
        return Outcome.FAIL
    if results and results[-1].outcome is Outcome.INVALID:
        return Outcome.INVALID
    return Outcome.INCONCLUSIVE


def deciding_trial(
    results: Sequence[TrialResult], rate_per_second: float | None, *, passed: bool
) -> TrialResult | None:
    """The last trial that passed (or did not pass) at that rate."""
    if rate_per_second is None:
        return None
    for result in reversed(results):
        same = abs(result.trial.rate_per_second / rate_per_second - 1) < SAME
        if same and result.outcome is not Outcome.INVALID and (result.outcome is Outcome.PASS) is passed:
            return result
    return None


# Words -----------------------------------------------------------------------------------------------------------


def rate_words(rate_per_second: float) -> str:
    """Three digits are what a bracket is good for: ``312/s``, ``42.5/s``."""
    digits = 0 if rate_per_second >= 100 else 1 if rate_per_second >= 10 else 2
    return format_quantity(round(rate_per_second, digits), Unit.PER_SECOND)


def requests_words(rate_per_second: float) -> str:
    """``312 requests/s``."""
    return f"{rate_words(rate_per_second).removesuffix('/s')} requests/s"


def peak_words(peak: Figure, rate: Callable[[float], str] = rate_words) -> str:
    """The planned peak: ``80/s``, or ``3.5/s (assumed)`` where the plan is silent, which no answer hides."""
    return rate(peak.value) + (" (assumed)" if peak.provenance is Provenance.ASSUMED else "")


def bracket_words(bracket: Bracket) -> str:
    """``between 312 and 330 requests/s``; what is missing is said."""
    lower, upper = bracket.lower_per_second, bracket.upper_per_second
    if lower is not None and upper is not None:
        return f"between {rate_words(lower).removesuffix('/s')} and {requests_words(upper)}"
    if lower is not None:
        return f"at least {requests_words(lower)}"
    return "no rate that was shown" if upper is None else f"less than {requests_words(upper)}"


def bracket_figure(bracket: Bracket) -> str:
    """The same as a figure: ``312 to 330/s``, ``≥ 312/s``, ``< 330/s``."""
    lower, upper = bracket.lower_per_second, bracket.upper_per_second
    if lower is not None and upper is not None:
        return f"{rate_words(lower).removesuffix('/s')} to {rate_words(upper)}"
    if lower is not None:
        return f"≥ {rate_words(lower)}"
    return "not known" if upper is None else f"< {rate_words(upper)}"


def headroom_words(bracket: Bracket, planned_peak_per_second: float) -> str:
    """``+290 %``, of the lower end: what is promised, not what might be."""
    lower, upper = bracket.headroom(planned_peak_per_second)
    value = lower if lower is not None else upper
    if value is None:
        return "not known"
    sign = "+" if value >= 0 else "−"
    prefix = "less than " if lower is None else "at least " if upper is None else ""
    return f"{prefix}{sign}{abs(value) * 100:.0f} %"


def _headline(found: CapacityEvidence, end: SearchEnd, outcome: Outcome) -> str:
    who = whose(found.subject, found.manifest)
    bracket, peak = end.bracket, found.search.planned_peak
    requests = peak_words(peak, requests_words)
    planned = f"the planned peak is {requests}"
    headroom = f"headroom {headroom_words(bracket, peak.value)}"
    where = bracket_words(bracket)
    match outcome:
        case Outcome.PASS:
            return f"{_capital(who)} carries {where}; {planned}: {headroom}."
        case Outcome.FAIL:
            rest = "" if bracket.lower_per_second is None else f"; it carries {where}, {headroom}"
            return f"{_capital(who)} does not carry the planned peak of {requests}{rest}."
        case Outcome.INVALID:
            return f"This search proves nothing about {who.rstrip(',')}: {end.reason}."
        case Outcome.INCONCLUSIVE:
            start = f"It cannot be said whether {who} carries the planned peak of {requests}"
            why = end.reason.split("; ")[0] if end.reason.startswith("the budget") else end.reason
            if bracket.lower_per_second is None and bracket.upper_per_second is None:
                return f"{start}: {why}."
            trials = "its trials say" if bracket.confirmed or not bracket.lower_per_second else "unconfirmed trials say"
            return f"{start}; {trials} {where}: {why}."


def _more(found: CapacityEvidence, end: SearchEnd, results: Sequence[TrialResult]) -> Iterable[str]:
    bracket = end.bracket
    confirmations = found.search.settings.confirmations
    if bracket.confirmed and bracket.lower_per_second is not None:
        again = "one fresh trial" if confirmations == 1 else f"{confirmations} fresh trials"
        yield f"{requests_words(bracket.lower_per_second)} was confirmed by {again}."
    elif bracket.lower_per_second is not None:
        yield f"{requests_words(bracket.lower_per_second)} was not confirmed by fresh trials."
    if bracket.undecided_per_second:
        rates = ", ".join(rate_words(rate) for rate in bracket.undecided_per_second)
        yield f"Between its ends {rates} could not be decided."
    above = deciding_trial(results, bracket.upper_per_second, passed=False)
    if above is not None and bracket.proven:
        yield f"At {requests_words(above.trial.rate_per_second)} it breaks its SLOs: {above.reason}."
    elif above is not None:
        yield (
            f"That it carries less than {requests_words(above.trial.rate_per_second)} is not proven: {above.reason}."
        )


def _warnings(judged: Sequence[JudgedTrial | None], bracket: Bracket) -> tuple[str, ...]:
    results = [each.result for each in judged if each is not None]
    best = deciding_trial(results, bracket.lower_per_second, passed=True)
    for each in judged:
        if each is not None and each.result is best:
            return each.warnings
    return ()


def _not_proven(found: CapacityEvidence, judged: Sequence[JudgedTrial | None], end: SearchEnd) -> Iterable[str]:
    bracket = end.bracket
    if bracket.lower_per_second is not None and bracket.upper_per_second is None:
        yield f"where it ends: nothing above {requests_words(bracket.lower_per_second)} was decided"
    elif bracket.upper_per_second is not None and not bracket.proven:
        too_much = requests_words(bracket.upper_per_second)
        yield f"that {too_much} is too much for the stage: no trial there was a proven FAIL"
    whole = [each for each in judged if each is not None and not each.verdict.cut_short]
    if whole:
        yield from whole[0].verdict.not_proven
    rows = {cell.slo_id for each in judged if each is not None for cell in each.verdict.verdicts}
    for slo in found.subject.stage.slos:
        if "peak" in slo.levels and slo.id not in rows and rows:
            yield f"{slo.title} (none was due in trials of this length)"
    yield "how it recovers from more than it carries (verify does that, at 3x-peak)"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
