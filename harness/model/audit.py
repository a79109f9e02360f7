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


_RELATION_WORDS = {
    (Relation.EQUAL, True): ", equal to",
    (Relation.EQUAL, False): ", not",
    (Relation.AT_MOST, True): ", at most",
    (Relation.AT_MOST, False): ", not at most",
    (Relation.AT_LEAST, True): ", at least",
    (Relation.AT_LEAST, False): ", not at least",
}


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
    sources of the formulas that were used. stages: those whose figures it calculates with.
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
    stages: tuple[str, ...] = ()

    @property
    def comparison(self) -> str:
        """``15 % × 3,300 = 495, not 480 (1.1 times that)``; empty for what was only read."""
        if self.read:
            return ""
        return f"{self.arithmetic}{_RELATION_WORDS[self.relation, self.agrees]} {self.stated}{self._times}"

    @property
    def _times(self) -> str:
        """How far apart, where it is worth saying."""
        ratio = self.ratio
        if self.agrees or ratio is None or ratio <= 0 or 0.95 < ratio < 1.05:
            return ""
        return f" ({ratio:.2g} times that)"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A plan held against itself."""

    system: str
    title: str
    document: str
    findings: tuple[AuditFinding, ...]

    def graded(self, grade: Grade | None) -> tuple[AuditFinding, ...]:
        """Those of a grade, in the order of the file; None: those that agree."""
        return tuple(finding for finding in self.findings if finding.grade is grade)

    @property
    def summary(self) -> str:
        """``3 contradictions, 1 tension, nothing that depends on a reading; 12 agree``."""
        if not self.findings:
            return "its file asks for no audit: add [[audit]] rows"
        contradictions, tensions = len(self.graded(Grade.CONTRADICTION)), len(self.graded(Grade.TENSION))
        readings, agreeing = len(self.graded(Grade.READING)), len(self.graded(None))
        parts = (
            _count(contradictions, "contradiction"),
            _count(tensions, "tension"),
            f"{readings or 'nothing that'} {'depend' if readings > 1 else 'depends'} on a reading",
            f"{agreeing or 'nothing'} {'agree' if agreeing > 1 else 'agrees'}",
        )
        return ", ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
