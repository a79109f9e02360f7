"""A capacity search as it is kept and as it is answered: search.json, and capacity.json for programs."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.audit import AuditReport
from harness.model.capacity import Bracket, SearchEnd, SearchSettings, Trial, TrialResult
from harness.model.evidence import Evidence, Subject
from harness.model.figure import Figure
from harness.model.plan import Arrivals
from harness.model.run import Manifest
from harness.model.samples import Event
from harness.model.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Search:
    """What was searched for: search.json, written before the first trial.

    planned_peak: of the stage, in requests per second; everything else of a trial's load is in proportion to it.
    bound_seconds, bound_words: of the response-time SLO at the peak, the one that is critical; None without such.
    """

    settings: SearchSettings
    planned_peak: Figure
    arrivals: Arrivals
    bound_seconds: float | None = None
    bound_words: str = ""


@dataclass(frozen=True, slots=True)
class CapacityEvidence:
    """A capacity search, read whole, however it ended.

    lines: trials.jsonl, as the trials were judged when they ended. trials: the evidence of each of them, None where
    its folder has gone. audit: the plan held against itself when the search began; None in older ones.
    """

    subject: Subject
    manifest: Manifest
    search: Search
    events: tuple[Event, ...]
    lines: tuple[TrialResult, ...]
    trials: tuple[Evidence | None, ...]
    audit: AuditReport | None = None

    @property
    def ended(self) -> str:
        """The reason that the driver gave for the end; empty when it was killed."""
        reasons = [str(event.detail.get("reason", "")) for event in self.events if event.name == "run-end"]
        return reasons[-1] if reasons else ""


@dataclass(frozen=True, slots=True)
class CapacityVerdict:
    """The answer of a search.

    outcome: whether the stage's planned peak is carried. headline: one sentence that a lay person understands; more:
    what has to be added to it. not_proven: what this search says nothing about. warnings: SLOs whose warning was broken
    at the highest rate that passed.
    """

    outcome: Outcome
    headline: str
    more: str
    planned_peak: Figure
    end: SearchEnd
    results: tuple[TrialResult, ...]
    warnings: tuple[str, ...]
    not_proven: tuple[str, ...]

    @property
    def bracket(self) -> Bracket:
        """Where the capacity lies."""
        return self.end.bracket

    @property
    def bottleneck(self) -> str:
        """What was saturated first at the lowest rate that broke a bound, in a sentence; empty when none did."""
        broken = [result for result in self.results if result.bottleneck]
        lowest = min(broken, key=lambda result: result.trial.rate_per_second, default=None)
        return "" if lowest is None else f"At {lowest.trial.rate_per_second:.3g}/s: {lowest.bottleneck}"

    @property
    def cut_short(self) -> str:
        """Why the search ended before its own end, where the headline does not say so already; else empty."""
        said = self.outcome in (Outcome.INCONCLUSIVE, Outcome.INVALID)
        return "" if self.end.complete or said else self.end.reason


@dataclass(frozen=True, slots=True)
class TrialUnderWay:
    """What a display needs to know of the search while a trial runs. left_seconds: of the budget."""

    trial: Trial
    bracket: Bracket
    left_seconds: float
