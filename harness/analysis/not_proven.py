"""What a run says nothing about, said as plainly as what it proves."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.coverage import is_measured
from harness.analysis.soundness import host_size
from harness.analysis.steadiness import SHORT_PROFILE
from harness.model.evidence import Evidence
from harness.model.figure import Figure
from harness.model.units import Unit

_ENFORCEABLE = ("vcpu", "memory")
"""Figures of a server that the stack's limits set; all others only describe it."""
_PLAIN_WORDS = {
    "disk_app": "application disk",
    "disk_db": "database disk",
    "iops": "disk operations",
}
"""Names of figures that a lay person would stumble over."""


def not_proven(evidence: Evidence) -> tuple[str, ...]:
    """One line each, the most important first."""
    return tuple(_lines(evidence))


def _lines(evidence: Evidence) -> Iterable[str]:
    manifest, stage = evidence.manifest, evidence.subject.stage
    external = manifest.stack == "external"
    if not external:
        yield "your own code (this is the reference application)"
    for level in evidence.plan.levels:
        if not is_measured(evidence, level):
            yield f"level {level.name.value} (not measured to its end)"
    if external:
        yield "the size of the servers (an external stack is not read back)"
    elif not manifest.limits_enforced:
        reason = manifest.limits.removeprefix("not enforced").lstrip(": ") or "no reason given"
        yield f"the stage's CPU and memory as limits (not enforced: {reason})"
    size = host_size(evidence)
    if size.smaller:
        yield f"the stage's full size (the host has {size.smaller})"
    unlimited = [f for f in stage.server if f.name not in _ENFORCEABLE and not _is_read_back(evidence, f)]
    if unlimited:
        things = ", ".join(f"{_words(figure)} {figure}" for figure in unlimited)
        yield f"the server's {things} (no limit could be set here)"
    for figure in stage.load:
        if figure.unit is Unit.PER_DAY:
            yield f"{_words(figure)} of {figure} (a run of {_minutes(evidence)} is no day)"
    if evidence.plan.profile == SHORT_PROFILE:
        yield "a steady state (short run: only a growing backlog was looked for)"
    for deviation in manifest.deviations:
        yield f"the plan to the letter: {deviation}"


def _is_read_back(evidence: Evidence, figure: Figure) -> bool:
    return any(each.setting == figure.name and each.matches for each in evidence.manifest.read_back)


def _words(figure: Figure) -> str:
    return _PLAIN_WORDS.get(figure.name, figure.name.replace("_", " "))


def _minutes(evidence: Evidence) -> str:
    minutes = max(1, round(evidence.plan.duration_seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
