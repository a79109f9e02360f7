"""verdicts.json, for programs: a versioned schema, described in docs/verdicts.md. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter

from harness.analysis.predictions import compare
from harness.model.audit import AuditReport, Grade
from harness.model.bottleneck import Bottleneck
from harness.model.evidence import Evidence
from harness.model.prediction import Comparison
from harness.model.run import Manifest
from harness.model.verdict import CheckResult, Outcome, RuleVerdict, RunVerdict, Severity, Verdict

VerdictsSchema = Literal["proofload.verdicts/1"]
VERDICTS_SCHEMA: VerdictsSchema = "proofload.verdicts/1"


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Which run was judged. started: UTC, ISO 8601. plan_digest: SHA-256 of the system's TOML file."""

    run_id: str
    system: str
    stage: str
    profile: str
    seed: int
    started: str
    proofload_version: str
    plan_digest: str
    command: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class AuditCount:
    """How many findings of each grade the plan's audit had when the run began."""

    contradictions: int
    tensions: int
    readings: int
    agreeing: int


@dataclass(frozen=True, slots=True)
class VerdictsFile:
    """The whole file. audit: null where the run kept none. predictions: what the plan says, beside what was
    measured."""

    schema: VerdictsSchema
    run: RunIdentity
    outcome: Outcome
    severity: Severity
    headline: str
    cut_short: str
    not_proven: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    checks: tuple[CheckResult, ...]
    rules: tuple[RuleVerdict, ...] = ()
    audit: AuditCount | None = None
    predictions: tuple[Comparison, ...] = ()
    bottleneck: Bottleneck | None = None


_ADAPTER: TypeAdapter[VerdictsFile] = TypeAdapter(VerdictsFile)


def verdicts_file(evidence: Evidence, verdict: RunVerdict) -> VerdictsFile:
    """The verdict with what it is about."""
    return VerdictsFile(
        schema=VERDICTS_SCHEMA,
        run=identity(evidence.manifest),
        outcome=verdict.outcome,
        severity=verdict.severity,
        headline=verdict.headline,
        cut_short=verdict.cut_short,
        not_proven=verdict.not_proven,
        verdicts=verdict.verdicts,
        checks=verdict.checks,
        rules=verdict.rules,
        audit=_count(evidence.audit),
        predictions=compare(evidence),
        bottleneck=verdict.bottleneck,
    )


def _count(report: AuditReport | None) -> AuditCount | None:
    if report is None:
        return None
    grades = (Grade.CONTRADICTION, Grade.TENSION, Grade.READING, None)
    return AuditCount(*(len(report.graded(grade)) for grade in grades))


def identity(manifest: Manifest) -> RunIdentity:
    """Which run it is."""
    return RunIdentity(
        run_id=manifest.run_id,
        system=manifest.system,
        stage=manifest.stage,
        profile=manifest.profile,
        seed=manifest.seed,
        started=datetime.fromtimestamp(manifest.started_wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        proofload_version=manifest.proofload_version,
        plan_digest=manifest.plan_digest,
        command=manifest.command,
    )


def verdicts_json(evidence: Evidence, verdict: RunVerdict) -> bytes:
    """The file's content."""
    return _ADAPTER.dump_json(verdicts_file(evidence, verdict), indent=2) + b"\n"


def read_verdicts(text: bytes) -> VerdictsFile:
    """The file's content as a value. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_json(text)


def schema_json() -> str:
    """The JSON Schema of the file, as docs/verdicts.schema.json keeps it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": VERDICTS_SCHEMA,
        **_ADAPTER.json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
