"""What an SLI says window by window, for rules that must hold for so long (methodology §4, "Duration rule")."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from harness.analysis import histogram
from harness.analysis.exceedances import exceeded
from harness.analysis.observations import Gauge, Observation, Shares, Throughput, Times, Unobserved
from harness.analysis.phases import load_second, measured, seconds_of, spoken_for
from harness.analysis.rules import window_state
from harness.analysis.slis import Sli
from harness.model.evidence import Evidence
from harness.model.plan import Level, Phase, PhaseName
from harness.model.rule import LEAST_EVENTS, Fires, TimedRule
from harness.model.samples import GeneratorSample, RequestRow, ServerSample

MOST_UNSEEN = 0.5
"""A window of a sampled series with more of its seconds unseen is unknown."""
_DUST = 1e-9
"""29 of 100 are not more than 29 %, nor is the mean of ten times 0.7 more than 0.7, whatever binary fractions say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One window: whether the rule's condition holds in it, and the SLI's value. None: too little was seen to say."""

    holds: bool | None
    value: float | None


class Windows:
    """Observations of windows, each made once, however many rules ask for it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._slices: dict[tuple[str, float], tuple[tuple[Evidence, Level], ...]] = {}
        self._seen: dict[tuple[str, str, float], tuple[Observation, ...]] = {}

    def observe(self, measure: Sli, level: Level, window_seconds: float) -> tuple[Observation, ...]:
        """The SLI over each whole window of the level's measure phase, from the phase's first second on."""
        key = measure.name, level.name.value, window_seconds
        if key not in self._seen:
            slices = self._cut(level, window_seconds)
            self._seen[key] = tuple(measure.observe(evidence, part) for evidence, part in slices)
        return self._seen[key]

    def _cut(self, level: Level, window_seconds: float) -> tuple[tuple[Evidence, Level], ...]:
        """The evidence of each window by itself, as a level whose measure phase is the window."""
        key = level.name.value, window_seconds
        if key not in self._slices:
            self._slices[key] = _slices(self.evidence, level, window_seconds)
        return self._slices[key]


def _slices(evidence: Evidence, level: Level, window_seconds: float) -> tuple[tuple[Evidence, Level], ...]:
    seconds, width = seconds_of(measured(level)), int(window_seconds)
    requests: dict[int, list[RequestRow]] = defaultdict(list)
    servers: dict[int, list[ServerSample]] = defaultdict(list)
    generator: dict[int, list[GeneratorSample]] = defaultdict(list)
    for row in evidence.requests:
        if row.second in seconds:
            requests[(row.second - seconds.start) // width].append(row)
    for sample in evidence.servers:
        for index in sorted({(each - seconds.start) // width for each in spoken_for(evidence, sample)}):
            servers[index].append(sample)
    for health in evidence.generator:
        second = load_second(evidence, health.monotonic_seconds)
        if second is not None:
            generator[int(second - seconds.start) // width].append(health)
    slices = []
    for index in range(len(seconds) // width):
        start = seconds.start + index * width
        part = replace(level, phases=(Phase(PhaseName.MEASURE, start, start + width),))
        slices.append(
            (
                replace(
                    evidence,
                    plan=replace(evidence.plan, batch_seconds=window_seconds),
                    requests=tuple(requests[index]),
                    servers=tuple(servers[index]),
                    generator=tuple(generator[index]),
                ),
                part,
            )
        )
    return tuple(slices)


def events_per_second(seen: Observation, level: Level) -> float | None:
    """How many events an SLI has in the level's measure phase; None for a sampled series."""
    length = len(seconds_of(measured(level))) or 1
    match seen:
        case Times():
            return (sum(row.offered for batch in seen.batches for row in batch) + sum(seen.absent)) / length
        case Shares():
            return sum(n for _, n in seen.batches) / length
        case _:
            return None


def read(rule: TimedRule, measure: Sli, seen: Observation, beside: Observation | None = None) -> Reading:
    """Whether the rule's condition holds in a window. beside: the SLI that must be above 0 with it."""
    reading = _read(rule, measure, seen)
    if beside is None or not reading.holds:
        return reading
    match beside:
        case Gauge():
            return replace(reading, holds=beside.maximum > 0)
        case Unobserved():
            return replace(reading, holds=None)
        case _:
            raise ValueError(f"{rule.id}: only a sampled series can stand beside a condition")


def _read(rule: TimedRule, measure: Sli, seen: Observation) -> Reading:
    threshold = rule.threshold.value
    match seen:
        case Times():
            return _read_times(rule, seen)
        case Shares():
            bad, n = sum(bad for bad, _ in seen.batches), sum(n for _, n in seen.batches)
            if n < LEAST_EVENTS:
                return Reading(None, None)
            limit = threshold if measure.counts_bad else 1 - threshold
            excess = (bad - limit * n) * (1 if measure.counts_bad else -1)  # in events: of a share there is dust
            holds = excess > _DUST if rule.fires is Fires.ABOVE else excess < -_DUST
            return Reading(holds, bad / n if measure.counts_bad else 1 - bad / n)
        case Gauge() if seen.gap_ratio <= MOST_UNSEEN:
            return _side(rule, sum(seen.means) / len(seen.means))
        case Throughput():
            return _side(rule, sum(seen.completed) / len(seen.completed))
        case _:
            return Reading(None, None)


def _side(rule: TimedRule, value: float) -> Reading:
    excess = value - rule.threshold.value
    return Reading(excess > _DUST if rule.fires is Fires.ABOVE else excess < -_DUST, value)


def _read_times(rule: TimedRule, seen: Times) -> Reading:
    """The p_q is above T when more than 1 − q of the events are; what never came or failed is above every T."""
    assert rule.quantile is not None
    found = [row for batch in seen.batches for row in batch]
    absent = sum(seen.absent)
    n = sum(row.offered for row in found) + absent
    counts = [exceeded(row, rule.threshold.value) for row in found]
    allowed = 1 - rule.quantile + _DUST / max(n, 1)
    surely = window_state(sum(least for least, _ in counts) + absent, n, allowed, LEAST_EVENTS)
    possibly = window_state(sum(most for _, most in counts) + absent, n, allowed, LEAST_EVENTS)
    merged = histogram.merge(row.response for row in found)
    value = histogram.quantile(merged, rule.quantile, max(0, n - merged.count)) if n else None
    if surely is None or surely is not possibly:  # in doubt where the threshold was not counted exactly
        return Reading(None, value)
    return Reading(not surely if rule.fires is Fires.ABOVE else surely, value)
