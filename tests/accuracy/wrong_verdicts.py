"""How often is a system that keeps its bound failed, and one that breaks it passed?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from harness.analysis.decide import decide
from harness.analysis.observations import Observation
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome
from tests.accuracy.study import SEED, Row, Table, percent
from tests.accuracy.systems import TRUE_P95_SECONDS, Shape, gauges, response_times, shares, slo

MOST = 0.05
CPU = 0.7
"""The bound of the gauge; its samples scatter by 20 % of it."""
BAD = 0.01
"""What is allowed of the proportion."""

Made = Iterable[Observation]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of SLO. make: observations of runs in which the truth is so many times the bound."""

    name: str
    slo: Callable[[float], Slo]
    make: Callable[[np.random.Generator, Shape, int, float], Made]


def _times(rng: np.random.Generator, shape: Shape, runs: int, truth: float) -> Made:
    return response_times(rng, shape, runs, TRUE_P95_SECONDS / truth)


def _gauges(rng: np.random.Generator, shape: Shape, runs: int, truth: float) -> Made:
    return gauges(rng, shape, runs, CPU * truth, 0.2 * CPU)


def _shares(rng: np.random.Generator, shape: Shape, runs: int, truth: float) -> Made:
    return shares(rng, shape, runs, BAD * truth)


KINDS = (
    Kind("p95", lambda truth: slo(SloKind.QUANTILE, TRUE_P95_SECONDS / truth, Unit.SECONDS), _times),
    Kind("gauge", lambda _: slo(SloKind.GAUGE, CPU, Unit.RATIO), _gauges),
    Kind("share", lambda _: slo(SloKind.PROPORTION, 1 - BAD, Unit.RATIO, Comparison.AT_LEAST), _shares),
)
TRUTHS = (0.9, 1.0, 1.1)
TOGETHER = 0.1
PHIS = (0.0, 0.5, 0.9)


def run(runs: int, kinds: tuple[Kind, ...] = KINDS, profiles: tuple[str, ...] = ("smoke", "standard")) -> Table:
    """Each kind of SLO, profile and correlation, on systems 10 % below, at and 10 % above the bound."""
    rows, figures = [], {}
    for kind in kinds:
        for profile in profiles:
            for phi in PHIS:
                seen = {truth: _outcomes(kind, Shape(profile, phi, TOGETHER), runs, truth) for truth in TRUTHS}
                false_fail, false_pass = seen[0.9][Outcome.FAIL] / runs, seen[1.1][Outcome.PASS] / runs
                edge = seen[1.0]
                rows.append(
                    Row(
                        (
                            kind.name,
                            profile,
                            f"{phi:g}",
                            percent(false_fail),
                            percent(false_pass),
                            f"{percent(seen[0.9][Outcome.PASS] / runs)}, {percent(seen[1.1][Outcome.FAIL] / runs)}",
                            f"{percent(edge[Outcome.PASS] / runs)}, {percent(edge[Outcome.FAIL] / runs)}",
                        ),
                        "≤ 5 %" if phi <= 0.5 else "shown",
                        max(false_fail, false_pass) <= MOST if phi <= 0.5 else None,
                    )
                )
                name = f"{kind.name}, {profile}, φ {phi:g}"
                figures |= {f"{name}: false FAIL": false_fail, f"{name}: false PASS": false_pass}
    return Table(
        f"How often is a verdict wrong? ({runs:,} runs each)",
        "the system's true p95, mean or share of failures is set to 0.9, 1 and 1.1 times its bound",
        ("SLO", "profile", "φ", "false FAIL at 0.9", "false PASS at 1.1", "right at 0.9, 1.1", "PASS, FAIL at 1"),
        tuple(rows),
        (
            "What is neither right nor wrong is INCONCLUSIVE, with what is still needed. At exactly the bound there is "
            "no right answer but that one; a system there keeps the bound, so its FAIL would be wrong.",
            "With φ = 0.9 a state lasts some 20 s, and half a minute that happens to be good is hard to tell from a "
            "good system: that is what standard runs are for.",
            f"A tenth of the variance is its second's ({TOGETHER:g} shared). The gauge scatters by 20 % of its bound, "
            f"and all of that is its second's; of the share, 1 % may be bad.",
        ),
        figures,
    )


def _outcomes(kind: Kind, shape: Shape, runs: int, truth: float) -> Counter[Outcome]:
    rng = np.random.default_rng(SEED)
    return Counter(decide(kind.slo(truth), seen).outcome for seen in kind.make(rng, shape, runs, truth))
