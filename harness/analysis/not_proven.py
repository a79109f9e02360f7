"""What a run says nothing about, said as plainly as what it proves."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.coverage import is_measured
from harness.analysis.soundness import host_size
from harness.analysis.steadiness import SHORT_PROFILE
from harness.model.evidence import Evidence
from harness.model.figure import Figure
from harness.model.rule import duration_words
from harness.model.run import Manifest
from harness.model.units import Unit
from harness.model.verdict import RuleVerdict

_ENFORCEABLE = ("vcpu", "memory")
"""Figures of a server that the stack's limits set; all others only describe it."""
_PLAIN_WORDS = {
    "disk_app": "application disk",
    "disk_db": "database disk",
    "iops": "disk operations",
}
"""Names of figures that a lay person would stumble over."""


def not_proven(evidence: Evidence, rules: Iterable[RuleVerdict] = ()) -> tuple[str, ...]:
    """One line each, the most important first."""
    return tuple(_lines(evidence, tuple(rules)))


def unfinished(rules: Iterable[RuleVerdict]) -> tuple[RuleVerdict, ...]:
    """The rules and claims that this run was too short for, each once, with the level that takes longest."""
    longest: dict[str, RuleVerdict] = {}
    for rule in rules:
        before = longest.get(rule.rule_id)
        if rule.needed_seconds is not None and (
            before is None or before.needed_seconds is None or rule.needed_seconds > before.needed_seconds
        ):
            longest[rule.rule_id] = rule
    return tuple(longest.values())


def _lines(evidence: Evidence, rules: tuple[RuleVerdict, ...]) -> Iterable[str]:
    manifest, stage = evidence.manifest, evidence.subject.stage
    external = manifest.stack == "external"
    yield from _subject(manifest)
    for level in evidence.plan.levels:
        if not is_measured(evidence, level):
            yield f"level {level.name.value} (not measured to its end)"
    for rule in unfinished(rules):
        takes = duration_words(rule.needed_seconds or 0.0)
        yield f"rule {rule.title} {rule.condition} (takes {takes} measured at each level)"
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


def _subject(manifest: Manifest) -> Iterable[str]:
    if manifest.stack != "external":
        yield "your own code (this is the reference application)"
    if manifest.rehearsal:
        yield f"the stage itself (its load and its servers were {manifest.rehearsal})"


def _is_read_back(evidence: Evidence, figure: Figure) -> bool:
    return any(each.setting == figure.name and each.matches for each in evidence.manifest.read_back)


def _words(figure: Figure) -> str:
    return _PLAIN_WORDS.get(figure.name, figure.name.replace("_", " "))


def _minutes(evidence: Evidence) -> str:
    minutes = max(1, round(evidence.plan.duration_seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
