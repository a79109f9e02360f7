"""Is evidence that cannot be trusted called INVALID, and healthy evidence never?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.analysis.judge import judge
from harness.analysis.phases import measured
from harness.model.evidence import Evidence
from harness.model.verdict import Outcome
from harness.oracle.liars import with_drifting_clock
from tests.accuracy.study import Row, Table
from tests.accuracy.two_workers import split
from tests.support.evidence import START, make_evidence

LEVELS = ("normal", "peak", "recovery")
HEALTHY_RUNS = 20


@dataclass(frozen=True, slots=True)
class Liar:
    """make: the evidence of a run by its seed and the level in which it lies."""

    name: str
    make: Callable[[int, str], Evidence]


def _at(level: str, value: float) -> dict[str, float]:
    return {level: value}


def _middle(evidence: Evidence, level: str) -> float:
    phase = measured(evidence.plan.level(level))
    return phase.start_seconds + phase.duration_seconds / 2


def _frozen(seed: int, level: str) -> Evidence:
    """nginx's counter stands still from the middle of the level on."""
    evidence = make_evidence(seed=seed)
    since = START + _middle(evidence, level)
    last = max(
        sample.values["requests_total"]
        for sample in evidence.servers
        if sample.source == "nginx" and sample.monotonic_seconds < since
    )
    servers = tuple(
        replace(sample, values={**sample.values, "requests_total": last})
        if sample.source == "nginx" and sample.monotonic_seconds >= since
        else sample
        for sample in evidence.servers
    )
    return replace(evidence, servers=servers)


def _reset(seed: int, level: str) -> Evidence:
    """nginx's counter begins anew in the middle of the level."""
    evidence = make_evidence(seed=seed)
    since = START + _middle(evidence, level)
    first = min(
        sample.values["requests_total"]
        for sample in evidence.servers
        if sample.source == "nginx" and sample.monotonic_seconds >= since
    )
    servers = tuple(
        replace(sample, values={**sample.values, "requests_total": sample.values["requests_total"] - first})
        if sample.source == "nginx" and sample.monotonic_seconds >= since
        else sample
        for sample in evidence.servers
    )
    return replace(evidence, servers=servers)


def _dies_unseen(seed: int, level: str) -> Evidence:
    """One of two workers is not heard of again, and nobody noted its end."""
    evidence = split(make_evidence(seed=seed), seed)
    last = START + _middle(evidence, level)
    heard = tuple(each for each in evidence.generator if each.worker == "1" or each.monotonic_seconds < last)
    return replace(evidence, generator=heard)


def _dies(seed: int, level: str) -> Evidence:
    return make_evidence(seed=seed, worker_lost_at=_middle(make_evidence(seed=seed), level))


def _drifts(seed: int, level: str) -> Evidence:
    del level  # one clock for the whole run
    return with_drifting_clock(make_evidence(seed=seed), 0.0005)


LIARS = (
    Liar("metrics freeze in the middle of a level", _frozen),
    Liar("counters begin anew in the middle of a level", _reset),
    Liar(
        "the generator is throttled: CPU 97 %, loop 80 ms late",
        lambda seed, level: make_evidence(seed=seed, generator_cpu=_at(level, 0.97), loop_lag_seconds=_at(level, 0.08)),
    ),
    Liar("a worker dies in the middle of a level", _dies),
    Liar("… and nobody notes its end", _dies_unseen),
    Liar("the wall clock drifts by 0.5 ms a second", _drifts),
    Liar("7 records are lost", lambda seed, level: make_evidence(seed=seed, lost_records=7)),
    Liar(
        "the event loop is 80 ms late", lambda seed, level: make_evidence(seed=seed, loop_lag_seconds=_at(level, 0.08))
    ),
    Liar(
        "arrivals start 80 ms late", lambda seed, level: make_evidence(seed=seed, schedule_lag_seconds=_at(level, 0.08))
    ),
    Liar("5 % of the arrivals are not started", lambda seed, level: make_evidence(seed=seed, sent=_at(level, 0.95))),
    Liar("15 % less is offered than planned", lambda seed, level: make_evidence(seed=seed, offered=_at(level, 0.85))),
    Liar(
        "the generator runs out of file descriptors",
        lambda seed, level: make_evidence(seed=seed, client_errors={level: 3}),
    ),
    Liar("nginx counted 10 % less", lambda seed, level: make_evidence(seed=seed, nginx=0.9)),
    Liar("nginx counted 10 % more", lambda seed, level: make_evidence(seed=seed, nginx=1.1)),
)


def run(runs: int) -> Table:
    """Each liar with so many seeds in each of three levels; 20 healthy runs, half of them of one worker."""
    rows = []
    for liar in LIARS:
        outcomes: Counter[Outcome] = Counter()
        caught: Counter[str] = Counter()
        for seed in range(1, runs + 1):
            for level in LEVELS:
                found = judge(liar.make(seed, level))
                outcomes[found.outcome] += 1
                caught.update({name for each in found.verdicts for name in each.tainted_by})
        total = runs * len(LEVELS)
        said = (
            ", ".join(name for name, _ in sorted(caught.items(), key=lambda each: (-each[1], each[0]))[:3]) or "nothing"
        )
        shown = f"{outcomes[Outcome.INVALID]} of {total} INVALID"
        rows.append(Row((liar.name, shown, said), "all", outcomes[Outcome.INVALID] == total))
    outcomes = Counter(judge(each).outcome for each in healthy())
    invalid = outcomes[Outcome.INVALID]
    others = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    rows.append(Row(("healthy runs", f"{invalid} of {HEALTHY_RUNS} INVALID", f"– ({others})"), "none", invalid == 0))
    return Table(
        "Are liars found, and only liars?",
        "made-up evidence of a run, in which one thing is wrong, or nothing",
        ("evidence", "found", "by the check"),
        tuple(rows),
        ("Real liars, with processes that are throttled and killed, are in tests/oracle.",),
    )


def healthy(runs: int = HEALTHY_RUNS) -> list[Evidence]:
    """Runs in which nothing is wrong: other seeds, both profiles, one worker and two."""
    found = []
    for seed in range(1, runs + 1):
        evidence = make_evidence(seed=seed, profile="standard" if seed % 5 == 0 else "smoke")
        found.append(split(evidence, seed) if seed % 2 else evidence)
    return found
