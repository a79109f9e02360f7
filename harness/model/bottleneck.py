"""Which resource was the first that had no more to give, and what that rests on (methodology §9).

Times are seconds of the load; rates are HTTP requests offered per second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """What the evidence allows to be said."""

    NAMED = "named"
    """One resource was saturated when the SLO broke, and nothing that it depends on was."""
    UNDETERMINED = "undetermined"
    """An SLO broke, and the evidence does not single one resource out."""
    NOTHING_BROKE = "nothing broke"
    """Every bound was kept at every level; a resource may have been saturated all the same."""
    NOT_LOADED = "not loaded"
    """There was no load to speak of."""


class State(StrEnum):
    """How one resource stood when the SLO broke (over the whole run, when none did)."""

    SATURATED = "saturated"
    UNSATURATED = "unsaturated"
    NOT_OBSERVED = "not observed"
    """There is no data; never read as "not saturated"."""
    ABSENT = "absent"
    """The stage has no such thing, or sets no limit to it."""


@dataclass(frozen=True, slots=True)
class Breach:
    """The first SLO that broke. what: in words, with numbers. second: since when.

    promised: whether the plan promises it at that level; at 3x-peak the peak's bound is only held up to it.
    """

    slo: str
    what: str
    second: float
    level: str
    rate_per_second: float
    promised: bool


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One resource. onset_seconds: start of its saturation (of the stretch in which the SLO broke), None without.

    use: the largest share of its limit that it kept for three samples, 1 = all of it; None where nothing says.
    evidence: what was seen, in words with numbers. limit: when it counts as saturated, in words.
    reading: the series that shows it, "source.metric", for a chart.
    """

    id: str
    title: str
    state: State
    onset_seconds: float | None
    use: float | None
    evidence: str
    limit: str = ""
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """The finding. resource: the id of the one that is named, or (nothing broke) that was the first to be saturated, or
    else was nearest to its limit; empty when there is none. title: its words.

    onset_seconds, level, rate_per_second: when its saturation began, and under which load. lead_seconds: how long
    before the SLO broke; below zero within the tolerance of the samples.
    sentence: the finding for the top of a report. chain: the evidence, a sentence each. resources: all of them, from
    nginx inwards, with what was seen of each.
    """

    confidence: Confidence
    resource: str
    title: str
    sentence: str
    onset_seconds: float | None = None
    level: str = ""
    rate_per_second: float | None = None
    lead_seconds: float | None = None
    breach: Breach | None = None
    chain: tuple[str, ...] = ()
    resources: tuple[ResourceState, ...] = ()
