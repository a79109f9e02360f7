"""Made-up capacity searches: the real state machine, against a system whose capacity is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from harness.model.capacity import SearchEnd, SearchSettings, Trial, TrialResult
from harness.model.evidence import Subject
from harness.model.exploration import CapacityEvidence, Search
from harness.model.plan import Arrivals
from harness.model.samples import Event
from harness.model.verdict import Outcome
from harness.planning.build import peak_mix
from harness.planning.search import next_step
from harness.planning.trials import search_settings, trial_profile_named
from targets.loader import find_stage, load_target
from tests.support.evidence import make_evidence

LECTIO = load_target("lectio")
STAGE_A = find_stage(LECTIO, "A")
SMOKE = trial_profile_named("smoke")


@dataclass
class MadeUp:
    """A system that carries so many requests per second. strange: other outcomes for some trials, by number; doubt: so
    close to the capacity (relative) nothing is decided."""

    capacity: float = 310.0
    strange: dict[int, tuple[Outcome, str]] = field(default_factory=dict)
    overload: Outcome = Outcome.FAIL
    doubt: float = 0.0

    def trial(self, trial: Trial) -> TrialResult:
        rate = trial.rate_per_second
        load = rate / (self.capacity * 1.02)
        carried = rate <= self.capacity
        p50 = 0.012 / (1 - load) if load < 1 else 4.0
        outcome = Outcome.PASS if carried else self.overload
        reason = "every bound kept" if carried else "Response time: p95 8.2 s, more than 5 % over ≤ 2 s"
        if abs(rate / self.capacity - 1) < self.doubt:
            outcome, reason = Outcome.INCONCLUSIVE, "Response time: neither kept nor broken with 95 % certainty"
        if trial.number in self.strange:
            outcome, reason = self.strange[trial.number]
        n = round(rate * trial.measure_seconds)
        return TrialResult(
            trial=trial,
            outcome=outcome,
            reason=reason,
            deciding="" if outcome is Outcome.PASS else "response-time",
            took_seconds=trial.measure_seconds + 18,
            offered_per_second=rate,
            throughput_per_second=min(rate, self.capacity),
            concurrency=rate * p50,
            quantiles_seconds={"0.5": p50, **({"0.95": 3 * p50, "0.99": 5 * p50} if load < 1.3 else {})},
            bad=0 if carried else n // 3,
            n=n,
            drained=True,
            folder=f"trials/{trial.number:02d}",
        )


def settings(**different: float) -> SearchSettings:
    """Lectio A's smoke search."""
    return replace(search_settings(LECTIO, STAGE_A, SMOKE), **different)


def made_up_search(
    system: MadeUp | None = None, *, ended: str = "complete", trials: int = 99, **different: float
) -> CapacityEvidence:
    """A search of that system, of at most so many trials, as it would be read back, without its trials' evidence."""
    search = Search(settings(**different), peak_mix(LECTIO, STAGE_A).rate, Arrivals.POISSON, 2.0, "p95 ≤ 2 s")
    results: list[TrialResult] = []
    make: Callable[[Trial], TrialResult] = (system or MadeUp()).trial
    while len(results) < trials and not isinstance(step := next_step(search.settings, results), SearchEnd):
        results.append(make(step))
    manifest = replace(
        make_evidence().manifest,
        kind="capacity",
        run_id="2026-11-20T165012Z-lectio-A-capacity",
        command="proofload capacity lectio --stage A",
    )
    events = (Event(1.0, 1.0, "run-start", {}), Event(2.0, 2.0, "run-end", {"reason": ended}))
    return CapacityEvidence(
        subject=Subject("lectio", LECTIO.title, LECTIO.document, STAGE_A),
        manifest=manifest,
        search=search,
        events=events if ended else events[:1],
        lines=tuple(results),
        trials=(None,) * len(results),
    )


def near(value: float | None, wanted: float, width: float = 0.06) -> bool:
    """Within a bracket's width."""
    return value is not None and math.isclose(value, wanted, rel_tol=width)
