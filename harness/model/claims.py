"""A plan's before/after claims, and what pairs of runs showed of them. Measured, never a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.evidence import Evidence, Subject
from harness.model.measurement import Measurement
from harness.model.run import Manifest
from harness.model.target import Claim, Switch

CLAIMS_KIND = "claims"
"""Of a manifest: the measurement of claims. Its runs are of the kind "claim"."""

COMPLETE = "complete"
"""How a run ended whose whole load was offered, and a measurement all of whose pairs were made."""


@dataclass(frozen=True, slots=True)
class ClaimsAsked:
    """What is to be measured. budget_seconds: after which no other pair is begun."""

    claims: tuple[Claim, ...]
    rate_per_second: float
    measure_seconds: float
    budget_seconds: float


@dataclass(frozen=True, slots=True)
class PairRun:
    """One run of a pair. improved: with what the claim speaks of; False: as it was before. folder: its run directory,
    beside that of the claims. ended: why, "complete" when the whole load was offered."""

    switch: Switch
    improved: bool
    folder: str
    ended: str
    took_seconds: float


class Support(StrEnum):
    """How the measured interval of the factor lies to what the plan says."""

    SUPPORTED = "supports it"
    """The two overlap, and there is an effect."""
    MORE = "more than claimed"
    LESS = "less than claimed"
    """An effect, but all of the interval lies below the plan's factor."""
    NO_EFFECT = "no effect seen"
    """The interval holds 1, and nothing of the plan's factor."""
    WORSE = "the opposite"
    UNDECIDED = "cannot say"
    """The interval holds both no effect and the plan's factor, or there is no interval."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """One claim. before, after: with intervals that hold together with 95 %. factor: how many times better it got
    (lower or higher, as the measure goes); planned_low, planned_high: the plan's. difference: the two are differences
    of shares (of a hit ratio), not factors. unsound: validity checks that failed in a run of the pair.
    """

    claim: Claim
    measure: str
    before: Measurement | None
    after: Measurement | None
    factor: float | None
    lower: float | None
    upper: float | None
    planned_low: float | None
    planned_high: float | None
    support: Support
    reason: str
    difference: bool = False
    unsound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsEvidence:
    """What was left behind. read: each run's evidence, None where its folder has gone. ended: the last word, "" when
    the harness was killed."""

    subject: Subject
    manifest: Manifest
    asked: ClaimsAsked
    runs: tuple[PairRun, ...]
    read: tuple[Evidence | None, ...]
    ended: str


@dataclass(frozen=True, slots=True)
class ClaimsFound:
    """All of them. cut_short: why some were not measured; empty when all pairs were made."""

    results: tuple[ClaimResult, ...]
    runs: tuple[PairRun, ...]
    cut_short: str = ""
