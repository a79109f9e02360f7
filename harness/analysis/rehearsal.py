"""What may be said of a rehearsal: a run of a stage made smaller, load and servers together (docs/adr/0009)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from harness.model.verdict import Outcome, RuleVerdict, Severity, Verdict

Row = TypeVar("Row", Verdict, RuleVerdict)
WOULD = "in the rehearsal it would be "
"""How the reason of a row tells what its numbers say."""


def rehearsed(row: Row, scale: float) -> Row:
    """The row without a PASS or a FAIL: those are about the stage, which was not there. INVALID stays: what is not
    sound is not sound at any size."""
    if row.outcome not in (Outcome.PASS, Outcome.FAIL):
        return row
    said = f"{row.outcome}{' with a warning' if _warned(row) else ''}"
    reason = f"scaled to {scale:g}, which is not the stage; {WOULD}{said}: {row.reason}"
    return replace(row, outcome=Outcome.INCONCLUSIVE, severity=Severity.NONE, proven=False, reason=reason)


def would_be(row: Verdict | RuleVerdict) -> Outcome:
    """What the rehearsal's own numbers say of the row."""
    for outcome in (Outcome.PASS, Outcome.FAIL):
        if f"{WOULD}{outcome}" in row.reason:
            return outcome
    return row.outcome


def _warned(row: Verdict | RuleVerdict) -> bool:
    return row.outcome is Outcome.PASS and row.severity is Severity.WARNING
