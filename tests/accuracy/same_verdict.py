"""Is a verdict changed by what must not matter: the order of rows, a second report, two workers instead of one?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from harness.analysis.judge import judge
from harness.cli.conclude import conclude
from harness.model.evidence import Evidence
from tests.accuracy.study import Row, Table
from tests.accuracy.two_workers import split
from tests.support.evidence import make_evidence
from tests.support.golden import write_run

CASES: tuple[dict[str, Any], ...] = (
    {},
    {"slow": {"peak": 0.2}, "slow_seconds": 3.0},
    {"errors": {"peak": 0.03, "3x-peak": 0.1}},
    {"growth": {"peak": 5}},
    {"reach": {"peak": 0.97}},
    {"cpu": {"peak": 0.71}, "connections": {"peak": 0.4}},
    {"oom_at": 120.0, "recovers_after": 25},
    {"stop_at": 83.0, "stop_reason": "interrupted: Ctrl-C"},
    {"gaps": {"postgres": 0.2}},
    {"profile": "standard", "slow": {"normal": 0.045}},
)
"""Runs of every outcome, with and without bursts, kills and gaps."""


def shuffled(evidence: Evidence, seed: int) -> Evidence:
    """All rows of all kinds in another order."""
    random = Random(seed)

    def mixed(rows: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(random.sample(rows, len(rows)))

    return replace(
        evidence,
        requests=mixed(evidence.requests),
        servers=mixed(evidence.servers),
        generator=mixed(evidence.generator),
        events=mixed(evidence.events),
        acknowledged=mixed(evidence.acknowledged),
        jobs=mixed(evidence.jobs),
    )


def cells(evidence: Evidence) -> list[tuple[Any, ...]]:
    """What the verdict says of every row, and the numbers it rests on."""
    found = judge(evidence)
    return [(found.outcome, found.severity)] + [
        (
            each.slo_id,
            each.level,
            each.outcome,
            each.severity,
            each.proven,
            each.tainted_by,
            None if each.measurement is None else (each.measurement.value, each.measurement.bad_upper),
        )
        for each in found.verdicts
    ]


def reports(evidence: Evidence) -> list[bytes]:
    """Every file that ``report`` writes, over the run directory of that evidence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        write_run(path, evidence)
        raw = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}
        both = []
        for _ in range(2):
            conclude(path)
            files = sorted(each for each in path.rglob("*") if each.is_file())
            both.append({each: each.read_bytes() for each in files})
        changed = [each for each, content in raw.items() if both[1].get(each) != content]
        if changed:
            raise AssertionError(f"report changed the evidence: {changed}")
        return [repr(sorted((path.name, content) for path, content in each.items())).encode() for each in both]


def run(runs: int) -> Table:
    """Ten kinds of runs with so many seeds each."""
    same = {"rows in another order": 0, "two workers instead of one": 0, "`report` once more (bytes)": 0}
    total = runs * len(CASES)
    changes: tuple[tuple[str, Callable[[Evidence, int], Evidence]], ...] = (
        ("rows in another order", shuffled),
        ("two workers instead of one", split),
    )
    for case in CASES:
        for seed in range(1, runs + 1):
            evidence = make_evidence(seed=seed, **case)
            expected = cells(evidence)
            for name, change in changes:
                same[name] += cells(change(evidence, seed)) == expected
    reported = 0
    for case in CASES:
        first, again = reports(make_evidence(**case))
        reported += first == again
    same["`report` once more (bytes)"] = reported
    rows = [
        Row((name, f"{count} of {len(CASES) if name.startswith('`') else total} the same"), "all", ok)
        for name, count in same.items()
        for ok in (count == (len(CASES) if name.startswith("`") else total),)
    ]
    return Table(
        "Does anything change a verdict that must not?",
        "the verdict on the same evidence, with its outcome, values and bounds in every row",
        ("change", "found"),
        tuple(rows),
        ("Made-up evidence of runs that pass, fail, are open, cut short or full of gaps.",),
    )
