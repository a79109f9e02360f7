"""What a plan says twice and what it predicts, made up, for runs of ``tests.support.evidence``."""

from __future__ import annotations

from dataclasses import replace

from harness.model.audit import AuditFinding, AuditReport, Grade, Relation
from harness.model.evidence import Evidence
from harness.model.figure import Citation
from harness.model.prediction import Prediction, measure

WHERE = Citation("plan.md", "Compute", "3.5 req/sec per vCPU")
ELSEWHERE = Citation("plan.md", "Servers", "2 vCPU")


def finding(name: str, grade: Grade | None, *stages: str, read: bool = False) -> AuditFinding:
    """One finding, of some stages."""
    return AuditFinding(
        id=name,
        title=f"The figures of {name}",
        agrees=grade is None,
        grade=grade,
        arithmetic="" if read else "2 × 3 = 6",
        found="" if read else "6",
        relation=Relation.EQUAL,
        stated="" if read else "6" if grade is None else "5",
        ratio=None if read else 1.0 if grade is None else 1.2,
        says="" if grade is None else f"what to make of {name}",
        citations=(WHERE, ELSEWHERE),
        formulas=() if read else ("product = one × other (arithmetic)",),
        read=read,
        stages=stages,
    )


AUDIT = AuditReport(
    "lectio",
    "Lectio",
    "plan.md",
    (
        finding("storage", Grade.CONTRADICTION, "C"),
        finding("prices", Grade.CONTRADICTION),
        finding("workers", Grade.CONTRADICTION, "A", "B"),
        finding("queue", Grade.READING, read=True),
        finding("users", None, "A"),
    ),
)


def prediction(
    name: str, low: float, high: float | None = None, *, relation: Relation = Relation.EQUAL, level: str = "peak"
) -> Prediction:
    """What the plan says of a measure."""
    unit = measure(name).unit
    top = low if high is None else high
    return Prediction(
        f"of-{name}".replace("_", "-"), name, name, relation, low, top, unit, "as stated", level, (WHERE,)
    )


PREDICTIONS = (
    prediction("requests_per_core", 5.0),
    prediction("postgres_connections", 10, 20),
    prediction("memory_per_socket_bytes", 102_400),
    prediction("sockets", 500, relation=Relation.AT_MOST),
    prediction("redis_hit_ratio", 0.8, relation=Relation.AT_LEAST),
)


def with_plan(evidence: Evidence) -> Evidence:
    """The run, with an audit and predictions."""
    return replace(evidence, audit=AUDIT, subject=replace(evidence.subject, predictions=PREDICTIONS))
