"""Capacity searches in simulated time, held against the exact capacity of the queue that is searched.

    python -m tests.accuracy.capacity_search [searches per scenario]

Everything but the server is what a real search uses: arrivals of the scheduler, rows as the recorder writes them, the
judge's ``decide``, and ``next_step``. Each search has its own seed and its own first rate.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from harness.analysis.decide import decide
from harness.analysis.phases import batch_ranges, whole_seconds
from harness.analysis.queueing import mdc_capacity_per_second, mmc_capacity_per_second
from harness.analysis.steadiness import REQUEST_GROWTH
from harness.analysis.steady_state import backlog_grows
from harness.model.capacity import Bracket, SearchEnd, SearchSettings, Trial, TrialResult
from harness.model.figure import Citation, Figure, Provenance
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome
from harness.oracle.simulation import arrive, in_flight, observe, plateau, record, respond
from harness.planning.search import next_step

FEW_BATCHES, MANY_BATCHES, LONG_SECONDS = 10, 20, 120.0
"""Batches of a measure phase, and from which length on it has many."""
WHERE = Citation("capacity_search.py", "scenarios")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A queue and the SLO that it is to keep. total_per_second: services of all servers together. equal: all services
    take the same time (M/D/c), else they are exponential. settings: whose first rate each search chooses for itself."""

    name: str
    servers: int
    total_per_second: float
    quantile: float
    bound_seconds: float
    equal: bool
    settings: SearchSettings
    settle_seconds: float = 4.0

    @property
    def service_seconds(self) -> float:
        """Mean of one service."""
        return self.servers / self.total_per_second

    @property
    def capacity_per_second(self) -> float:
        """The truth."""
        capacity = mdc_capacity_per_second if self.equal else mmc_capacity_per_second
        return capacity(self.bound_seconds, self.quantile, self.service_seconds, self.servers)

    @property
    def slo(self) -> Slo:
        """p_q of response times ≤ bound."""
        bound = Figure("bound", self.bound_seconds, Unit.SECONDS, Provenance.STATED, WHERE)
        return Slo(
            "times",
            "Response times",
            "http_response_seconds",
            SloKind.QUANTILE,
            Comparison.AT_MOST,
            None,
            bound,
            ("peak",),
            WHERE,
            self.quantile,
        )


SHORT = SearchSettings(
    first_rate_per_second=100.0,
    growth=1.5,
    width=0.05,
    trial_seconds=20.0,
    longest_extension=2.0,
    confirmations=3,
    confirm_seconds=40.0,
    overhead_seconds=20.0,
    budget_seconds=1800.0,
    lowest_rate_per_second=1.0,
    highest_rate_per_second=100000.0,
)
"""20-s trials."""
STANDARD = replace(
    SHORT,
    trial_seconds=60.0,
    longest_extension=3.0,
    confirm_seconds=180.0,
    overhead_seconds=42.0,
    budget_seconds=7200.0,
)
"""60-s trials with 3-minute confirmations."""
NIGHTLY = replace(
    STANDARD,
    growth=1.3,
    trial_seconds=180.0,
    longest_extension=2.0,
    confirm_seconds=360.0,
    overhead_seconds=92.0,
    budget_seconds=14400.0,
)
"""3-minute trials with 6-minute confirmations."""


def _scenarios() -> tuple[Scenario, ...]:
    return (
        Scenario("M/M/1, p90", 1, 600, 0.9, 0.020, False, SHORT),
        Scenario("M/M/1, p95", 1, 400, 0.95, 0.040, False, SHORT),
        Scenario("M/M/2, p90", 2, 600, 0.9, 0.020, False, SHORT),
        Scenario("M/M/2, p95", 2, 800, 0.95, 0.020, False, SHORT),
        Scenario("M/M/8, p90", 8, 600, 0.9, 0.040, False, SHORT),
        Scenario("M/M/8, p95", 8, 800, 0.95, 0.040, False, SHORT),
        Scenario("M/D/1, p95", 1, 400, 0.95, 0.015, True, SHORT),
        Scenario("M/D/8, p95", 8, 400, 0.95, 0.032, True, SHORT),
        Scenario("M/M/2, p95, 60-s trials", 2, 200, 0.95, 0.080, False, STANDARD),
        Scenario("M/M/8, p99, 180-s trials", 8, 200, 0.99, 0.200, False, NIGHTLY),
    )


SCENARIOS = _scenarios()


@dataclass(frozen=True, slots=True)
class Found:
    """One search. rates relative to the truth."""

    lower: float | None
    upper: float | None
    complete: bool
    confirmed: bool
    trials: int
    seconds: float
    reason: str

    @property
    def middle(self) -> float | None:
        """The geometric middle of the bracket ÷ the truth."""
        return None if self.lower is None or self.upper is None else math.sqrt(self.lower * self.upper)

    @property
    def contains(self) -> bool:
        """Whether the bracket holds the truth."""
        return self.lower is not None and self.upper is not None and self.lower <= 1 <= self.upper


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. Shares are of all searches; errors, their median with its sign (bias), and widths are
    relative; trials and seconds are medians."""

    scenario: str
    true_per_second: float
    searches: int
    within_5_percent: float
    contains_truth: float
    confirmed: float
    median_error: float
    bias: float
    worst_error: float
    median_width: float
    trials: float
    seconds: float


def simulate(scenario: Scenario, trial: Trial, random: Random) -> TrialResult:
    """One trial against the scenario's queue, judged as a real one: rows, ``decide``, growing backlog."""
    rate, settle, measure = trial.rate_per_second, scenario.settle_seconds, trial.measure_seconds
    batch = measure / (FEW_BATCHES if measure < LONG_SECONDS else MANY_BATCHES)
    arrivals = arrive(plateau(rate, settle, batch) + plateau(rate, measure, batch, settle), random)
    numbers = np.random.default_rng(random.getrandbits(64))
    services = (
        np.full(len(arrivals), scenario.service_seconds)
        if scenario.equal
        else numbers.exponential(scenario.service_seconds, len(arrivals))
    )
    responses = respond(arrivals, services, scenario.servers)
    seconds = whole_seconds(settle, settle + measure)
    measured = arrivals >= settle
    rows = record(arrivals[measured], responses[measured], (scenario.bound_seconds,))
    ruling = decide(scenario.slo, observe(rows, seconds, batch))
    present = in_flight(arrivals, responses, np.array(seconds, dtype=float) + 1)
    batches = batch_ranges(range(len(seconds)), batch)
    means = [float(present[batch.start : batch.stop].mean()) for batch in batches]
    grows = backlog_grows(means, REQUEST_GROWTH * rate * measure)
    outcome = Outcome.INCONCLUSIVE if grows and ruling.outcome is Outcome.PASS else ruling.outcome
    found = ruling.measurement
    assert found is not None and found.bad is not None
    return TrialResult(
        trial=trial,
        outcome=outcome,
        reason=ruling.reason,
        deciding="" if outcome is Outcome.PASS else scenario.slo.id,
        took_seconds=measure + scenario.settings.overhead_seconds,
        offered_per_second=found.n / measure,
        throughput_per_second=found.n / measure,
        concurrency=float(responses[measured].sum()) / measure,
        quantiles_seconds={f"{scenario.quantile:g}": found.value},
        bad=found.bad,
        n=found.n,
        drained=True,
    )


def search(scenario: Scenario, seed: int) -> tuple[SearchEnd, tuple[TrialResult, ...]]:
    """One whole search; its first rate lies somewhere between a fifth and a half of the truth."""
    random = Random(f"{scenario.name}/{seed}")
    first = scenario.capacity_per_second * math.exp(random.uniform(math.log(0.2), math.log(0.5)))
    settings = replace(scenario.settings, first_rate_per_second=first)
    results: list[TrialResult] = []
    while True:
        step = next_step(settings, results)
        if isinstance(step, SearchEnd):
            return step, tuple(results)
        results.append(simulate(scenario, step, random))


def find(scenario: Scenario, seed: int) -> Found:
    """A search against the truth."""
    end, results = search(scenario, seed)
    truth = scenario.capacity_per_second
    found: Bracket = end.bracket
    return Found(
        lower=None if found.lower_per_second is None else found.lower_per_second / truth,
        upper=None if found.upper_per_second is None or not found.proven else found.upper_per_second / truth,
        complete=end.complete,
        confirmed=found.confirmed,
        trials=len(results),
        seconds=math.fsum(each.took_seconds for each in results),
        reason=end.reason,
    )


def row(scenario: Scenario, found: Sequence[Found]) -> Row:
    """The searches of one scenario as a line. A search without a bracket is neither within 5 % nor holds the truth."""
    errors = [abs(each.middle - 1) if each.middle is not None else math.inf for each in found]
    widths = [each.upper / each.lower - 1 for each in found if each.lower and each.upper]
    return Row(
        scenario=scenario.name,
        true_per_second=scenario.capacity_per_second,
        searches=len(found),
        within_5_percent=sum(error <= 0.05 for error in errors) / len(found),
        contains_truth=sum(each.contains for each in found) / len(found),
        confirmed=sum(each.confirmed for each in found) / len(found),
        median_error=statistics.median(errors),
        bias=statistics.median(math.inf if each.middle is None else each.middle - 1 for each in found),
        worst_error=max(errors),
        median_width=statistics.median(widths),
        trials=statistics.median(each.trials for each in found),
        seconds=statistics.median(each.seconds for each in found),
    )


def study(
    searches: int, scenarios: Sequence[Scenario] = SCENARIOS, processes: int | None = None, first_seed: int = 0
) -> tuple[Row, ...]:
    """``searches`` of each scenario, on as many processes as there are cores."""
    seeds = range(first_seed, first_seed + searches)
    jobs = [(scenario, seed) for scenario in scenarios for seed in seeds]
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        found = list(pool.map(_find, jobs, chunksize=max(1, searches // 10)))
    return tuple(row(each, found[index * searches : (index + 1) * searches]) for index, each in enumerate(scenarios))


def _find(job: tuple[Scenario, int]) -> Found:
    return find(*job)


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    columns: tuple[tuple[str, Callable[[Row], str]], ...] = (
        ("queue and SLO", lambda each: each.scenario),
        ("true capacity", lambda each: f"{each.true_per_second:.1f}/s"),
        ("searches", lambda each: f"{each.searches}"),
        ("within 5 %", lambda each: f"{each.within_5_percent:.1%}"),
        ("bracket holds the truth", lambda each: f"{each.contains_truth:.1%}"),
        ("confirmed", lambda each: f"{each.confirmed:.0%}"),
        ("median error", lambda each: f"{each.median_error:.1%}"),
        ("bias", lambda each: f"{each.bias:+.1%}"),
        ("largest error", lambda each: f"{each.worst_error:.1%}"),
        ("median width", lambda each: f"{each.median_width:.1%}"),
        ("trials", lambda each: f"{each.trials:.0f}"),
        ("time of a search", lambda each: f"{each.seconds / 60:.0f} min"),
    )
    lines = [
        "| " + " | ".join(title for title, _ in columns) + " |",
        "|" + "--|" * len(columns),
        *("| " + " | ".join(text(each) for _, text in columns) + " |" for each in rows),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    searches = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    began = time.monotonic()
    rows = study(searches)
    print(table(rows))  # noqa: T201
    total = sum(each.searches for each in rows)
    within = sum(each.within_5_percent * each.searches for each in rows) / total
    contains = sum(each.contains_truth * each.searches for each in rows) / total
    took = time.monotonic() - began
    print(f"\nall: {within:.1%} within 5 %, {contains:.1%} hold the truth, {total} searches, {took:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
