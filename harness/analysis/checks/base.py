"""What a validity check is: a look at the evidence of one level, or of the run, and what its failure taints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.phases import load_second, measured
from harness.model.evidence import Evidence
from harness.model.plan import Level
from harness.model.samples import GeneratorSample
from harness.model.verdict import CheckResult, Taint


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. passed None: there was nothing to see, which is never a pass. applies False: there cannot be
    anything to see in this kind of run, so that nothing is tainted."""

    passed: bool | None
    value: str
    limit: str
    reason: str
    applies: bool = True


@dataclass(frozen=True, slots=True)
class LevelCheck:
    """A check of each level whose measure phase was seen to its end. struck: also of the level in which the generator
    was lost, which ended there."""

    id: str
    title: str
    taints: tuple[Taint, ...]
    look: Callable[[Evidence, Level], Finding]
    struck: bool = False


@dataclass(frozen=True, slots=True)
class RunCheck:
    """A check of the whole run."""

    id: str
    title: str
    taints: tuple[Taint, ...]
    look: Callable[[Evidence], Finding]


Check = LevelCheck | RunCheck


def result(check: Check, finding: Finding, level: str = "") -> CheckResult:
    """The finding as the verdict keeps it."""
    taints = check.taints if finding.applies else ()
    return CheckResult(
        check.id, check.title, level, finding.passed, finding.value, finding.limit, finding.reason, taints
    )


def nothing(limit: str, reason: str) -> Finding:
    """There was nothing to see."""
    return Finding(None, "–", limit, reason)


def heard(evidence: Evidence, level: Level) -> dict[str, list[GeneratorSample]]:
    """Each worker's samples over the seconds of the level's measure phase, in order.

    A sample covers the second that ended at its time, so its middle decides.
    """
    phase = measured(level)
    workers: dict[str, list[GeneratorSample]] = defaultdict(list)
    for sample in evidence.generator:
        second = load_second(evidence, sample.monotonic_seconds)
        if second is not None and phase.start_seconds <= second - 0.5 < phase.end_seconds:
            workers[sample.worker].append(sample)
    return dict(workers)


def before(evidence: Evidence, second: float) -> dict[str, GeneratorSample]:
    """Each worker's last sample before that second of the load, for differences of counters."""
    found: dict[str, GeneratorSample] = {}
    for sample in evidence.generator:
        at = load_second(evidence, sample.monotonic_seconds)
        if at is not None and at - 0.5 < second:
            found[sample.worker] = sample
    return found


def increase(
    evidence: Evidence, level: Level, counter: Callable[[GeneratorSample], float], since: float | None = None
) -> float:
    """How much a cumulative counter of all workers grew until the end of the measure phase, from its start or
    ``since``."""
    earlier = before(evidence, measured(level).start_seconds if since is None else since)
    total = 0.0
    for worker, samples in heard(evidence, level).items():
        total += counter(samples[-1]) - (counter(earlier[worker]) if worker in earlier else 0)
    return total
