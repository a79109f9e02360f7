"""Are steady levels called steady, and others not?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from harness.analysis.histogram import bucket_index
from harness.analysis.phases import measured, seconds_of
from harness.analysis.steadiness import steadiness
from harness.analysis.steady_state import mser
from harness.model.evidence import Evidence
from harness.model.samples import Distribution, RequestRow
from tests.accuracy.study import SEED, Row, Table, percent
from tests.accuracy.systems import RATE, Floats, states
from tests.support.evidence import make_evidence
from tests.support.lectio import THRESHOLDS

SECONDS = 180
SCATTER = 0.15
"""Standard deviation of a second's log mean."""
FALSE_ALARMS = 0.05
POWER = 0.95


@dataclass(frozen=True, slots=True)
class Case:
    """mean: of response times by second, before they scatter. steady: the truth."""

    name: str
    mean: Callable[[Floats], Floats]
    phi: float
    steady: bool


def _flat(seconds: Floats) -> Floats:
    return np.full(len(seconds), 0.013)


def _bump(seconds: Floats) -> Floats:
    """Five seconds of tenfold times, at two thirds: a worker is replaced."""
    return np.where((seconds >= 120) & (seconds < 125), 0.13, 0.013)


CASES = (
    *(Case(f"13 ms, φ = {phi:g}", _flat, phi, True) for phi in (0.0, 0.5, 0.9)),
    *(Case(f"13 ms, 130 ms for 5 s, φ = {phi:g}", _bump, phi, True) for phi in (0.0, 0.5, 0.9)),
    *(Case(f"300 ms, φ = {phi:g}", lambda s: np.full(len(s), 0.3), phi, True) for phi in (0.0, 0.5)),
    Case("300 ms, 30 ms after 140 s", lambda s: np.where(s < 140, 0.3, 0.03), 0.5, False),
    Case("30 ms, 300 ms after 140 s", lambda s: np.where(s < 140, 0.03, 0.3), 0.5, False),
    Case("from 50 ms to 230 ms", lambda s: 0.05 + 0.001 * s, 0.5, False),
    Case("warm-up: 30 ms + 1 s · exp(−t/60 s)", lambda s: 0.03 + np.exp(-s / 60), 0.5, False),
)


def run(runs: int, cases: tuple[Case, ...] = CASES) -> Table:
    """Each case ``runs`` times, as a standard run's peak with a bound of 500 ms, through ``steadiness``."""
    base = make_evidence(profile="standard")
    # Nothing but response times is looked at here, and the backlog is another test.
    base = replace(base, servers=(), generator=(), requests=())
    seconds = seconds_of(measured(base.plan.level("peak")))
    rows, figures = [], {}
    for case in cases:
        rng = np.random.default_rng(SEED)
        scatter = np.exp(SCATTER * states(rng, runs, SECONDS, case.phi))
        series = case.mean(np.arange(SECONDS, dtype=float)) * scatter
        found = [steadiness(_evidence(base, seconds, each), base.plan.level("peak")).unsteady for each in series]
        alone = sum(not mser(np.log(each).tolist()).steady for each in series) / runs
        share = sum(map(bool, found)) / runs
        rows.append(
            Row(
                (case.name, "steady" if case.steady else "not steady", percent(share), percent(alone)),
                "≤ 5 %" if case.steady else "≥ 95 %",
                share <= FALSE_ALARMS if case.steady else share >= POWER,
            )
        )
        figures[case.name] = share
    return Table(
        f"Is a level that is not steady found, and only such a level? ({runs:,} runs each)",
        "the series is made so; seconds scatter by 15 % around it",
        ("mean response time", "truth", "called not steady", "MSER-5 alone would"),
        tuple(rows),
        ("The bound is 500 ms. MSER-5 alone takes a short disturbance for the end of a warm-up (ADR 5).",),
        figures,
    )


def _evidence(base: Evidence, seconds: range, means: Floats) -> Evidence:
    """The peak of a standard run with those means; single times scatter log-normally by a half around theirs."""
    rows = []
    over = {bound: np.rint(RATE * ndtr(np.log(means / bound) / 0.5)).astype(int).tolist() for bound in THRESHOLDS}
    for index, (second, mean) in enumerate(zip(seconds, means.tolist(), strict=True)):
        times = Distribution({bucket_index(round(mean * 1e6)): RATE}, RATE, RATE * mean, mean)
        exceeded = {bound: counts[index] for bound, counts in over.items()}
        rows.append(RequestRow(second, "GET /", "student", "http", RATE, 0, 0, 0, times, times, exceeded))
    return replace(base, requests=tuple(rows))
