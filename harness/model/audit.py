"""What a plan says twice, or says and can be calculated: the question, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.figure import Citation


class Grade(StrEnum):
    """How bad it is when the two sides differ."""

    CONTRADICTION = "contradiction"
    """Both cannot be true."""
    TENSION = "tension"
    """Both can be true, but not comfortably: one makes the other unlikely, late or dear."""
    READING = "depends on a reading"
    """The plan's words allow one meaning in which they agree, and one in which they do not."""


class Relation(StrEnum):
    """How the two sides of an audit should stand to each other."""

    EQUAL = "="
    AT_MOST = "<="
    AT_LEAST = ">="

    @property
    def sign(self) -> str:
        """For people: = ≤ ≥."""
        return {"=": "=", "<=": "≤", ">=": "≥"}[self]


@dataclass(frozen=True, slots=True)
class Audit:
    """One comparison.

    compute, against: expressions (``harness.planning.expression``) that should be in that relation, up to the
    tolerance, a ratio of the larger one. Both "" for statements that only a reader can compare: then ``citations`` hold
    what the plan says in two places. says: what to tell when they differ. citations: further places, such as the
    plan's own words for a formula.
    """

    id: str
    title: str
    compute: str
    relation: Relation
    against: str
    tolerance: float
    grade: Grade
    says: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What came of one audit.

    agrees: the sides stand in the relation. grade: None when they agree. arithmetic: what was calculated, written
    out: "15 % × (300 + 3,000) = 495". found: its result. stated: what the plan says, and its arithmetic when it is more
    than one figure. ratio: the result ÷ what is stated (lower ends); None where there is nothing to divide.
    read: found by reading, not by calculation. citations: every place whose figures went into it. formula: names and
    sources of the formulas that were used.
    """

    id: str
    title: str
    agrees: bool
    grade: Grade | None
    arithmetic: str
    found: str
    relation: Relation
    stated: str
    ratio: float | None
    says: str
    citations: tuple[Citation, ...]
    formulas: tuple[str, ...] = ()
    read: bool = False
    rests_on_assumption: bool = False
