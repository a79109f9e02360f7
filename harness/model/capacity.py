"""A capacity search: its trials, what became of them, and the bracket that they leave (methodology §6).

Rates are arrivals per second of the stage's mix, as a level's ``rate`` (HTTP requests per second at nginx).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.model.verdict import Outcome


class TrialPurpose(StrEnum):
    """Why a trial is made."""

    RAMP = "ramp"
    """The next step of the geometric ramp."""
    BISECT = "bisect"
    """Between the highest pass and the lowest non-pass, in log load."""
    EXTEND = "extend"
    """The same rate for longer, since the trial before could not decide."""
    CONFIRM = "confirm"
    """The highest pass once more, fresh and longer."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What a search is asked for.

    first_rate_per_second: where the ramp begins; growth: factor from one step of the ramp to the next.
    width: relative width at which bisection ends (0.05: the bracket's upper end is at most 5 % above its lower one).
    trial_seconds: measured per trial; longest_extension: factor up to which an undecided trial is repeated for longer.
    confirmations, confirm_seconds: fresh trials of the highest pass that must all pass, each made again for longer if
    it could not decide; best no shorter than a trial's longest extension (ADR 4).
    overhead_seconds: start, ramp, settle and drain of one trial. budget_seconds: for the whole search.
    lowest_rate_per_second, highest_rate_per_second: never tried beyond.
    """

    first_rate_per_second: float
    growth: float
    width: float
    trial_seconds: float
    longest_extension: float
    confirmations: int
    confirm_seconds: float
    overhead_seconds: float
    budget_seconds: float
    lowest_rate_per_second: float
    highest_rate_per_second: float

    def __post_init__(self) -> None:
        if not 0 < self.lowest_rate_per_second <= self.first_rate_per_second <= self.highest_rate_per_second:
            raise ValueError("the rates are in order: 0 < lowest ≤ first ≤ highest")
        if self.growth <= 1 or self.width <= 0 or self.longest_extension < 1 or self.confirmations < 0:
            raise ValueError("growth is above 1, width above 0, longest_extension at least 1")
        if min(self.trial_seconds, self.confirm_seconds, self.budget_seconds) <= 0 or self.overhead_seconds < 0:
            raise ValueError("a trial and the budget have a length")


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial to be made: ``measure_seconds`` of that rate, counted from 1."""

    number: int
    purpose: TrialPurpose
    rate_per_second: float
    measure_seconds: float


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of a trial; one line of trials.jsonl.

    deciding: the SLO that decided (its id; empty for a PASS). took_seconds: of wall time, with start and drain.
    offered_per_second, throughput_per_second: arrivals, and good responses, of the measure phase.
    concurrency: mean requests in flight there (Little: Σ service times ÷ length). quantiles_seconds: "0.5", "0.95",
    "0.99" → response time. bad, n: of the response-time SLO. drained: whether the queues were at their baseline when
    it began.
    folder: its evidence, relative to the search's run directory. bottleneck: what was saturated first, in a sentence;
    empty when no bound broke.
    """

    trial: Trial
    outcome: Outcome
    reason: str
    deciding: str
    took_seconds: float
    offered_per_second: float
    throughput_per_second: float
    concurrency: float
    quantiles_seconds: Mapping[str, float]
    bad: int
    n: int
    drained: bool
    folder: str = ""
    bottleneck: str = ""


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where the capacity lies: at least ``lower`` (the highest rate that passed), below ``upper`` (the lowest that was
    proven not to).

    None: no trial says so. confirmed: ``lower`` passed all its confirmations. proven: ``upper`` is a FAIL, not merely
    undecided after its extensions. undecided_per_second: rates between the two that were tried and
    neither passed nor failed for sure, in order (ADR 4).
    """

    lower_per_second: float | None
    upper_per_second: float | None
    confirmed: bool
    proven: bool
    undecided_per_second: tuple[float, ...] = ()

    @property
    def lowest_non_pass_per_second(self) -> float | None:
        """The lowest rate above ``lower`` that was tried and did not pass: undecided, or ``upper``."""
        return self.undecided_per_second[0] if self.undecided_per_second else self.upper_per_second

    @property
    def middle_per_second(self) -> float | None:
        """The geometric middle, None when an end is missing."""
        if self.lower_per_second is None or self.upper_per_second is None:
            return None
        return math.sqrt(self.lower_per_second * self.upper_per_second)

    def headroom(self, planned_peak_per_second: float) -> tuple[float | None, float | None]:
        """capacity ÷ planned peak − 1, at both ends."""
        lower, upper = self.lower_per_second, self.upper_per_second
        return (
            None if lower is None else lower / planned_peak_per_second - 1,
            None if upper is None else upper / planned_peak_per_second - 1,
        )


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """Why a search is over, in words, and the bracket that it leaves. complete: by its own rules, not by budget, a stop
    or INVALID trials."""

    bracket: Bracket
    complete: bool
    reason: str
