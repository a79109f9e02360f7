"""Do the bounds that are called 95 % sure hold in 95 % of the runs?"""

from __future__ import annotations

import numpy as np

from harness.analysis.decide import decide
from harness.analysis.intervals import clopper_pearson_lower, clopper_pearson_upper
from harness.model.slo import SloKind
from harness.model.units import Unit
from tests.accuracy.study import SEED, Row, Table, percent
from tests.accuracy.systems import TRUE_P95_SECONDS, Shape, response_times, slo

LEAST = 0.93
SHAPES = tuple(
    Shape(profile, phi, together)
    for profile in ("smoke", "standard")
    for together in (0.1, 0.5)
    for phi in (0.0, 0.5, 0.9)
)


def run(runs: int, shapes: tuple[Shape, ...] = SHAPES) -> Table:
    """Each shape in so many runs, through ``decide``, with the bound at the true p95: 5 % are bad."""
    rows, figures = [], {}
    bound = slo(SloKind.QUANTILE, TRUE_P95_SECONDS, Unit.SECONDS)
    for shape in shapes:
        rng = np.random.default_rng(SEED)
        upper = lower = interval = naive_upper = naive_lower = 0
        for seen in response_times(rng, shape, runs, TRUE_P95_SECONDS):
            found = decide(bound, seen).measurement
            assert found is not None
            assert found.bad is not None and found.bad_upper is not None and found.bad_lower is not None
            upper += found.bad_upper >= 0.05
            lower += found.bad_lower <= 0.05
            interval += (found.lower or 0.0) <= TRUE_P95_SECONDS <= (np.inf if found.upper is None else found.upper)
            naive_upper += clopper_pearson_upper(found.bad, found.n) >= 0.05
            naive_lower += clopper_pearson_lower(found.bad, found.n) <= 0.05
        worst = min(upper, lower) / runs
        required = shape.phi <= 0.5
        rows.append(
            Row(
                (
                    f"{shape.profile}, {shape.batches} × {shape.batch_seconds:g} s",
                    f"{shape.phi:g}",
                    percent(shape.together),
                    percent(upper / runs),
                    percent(lower / runs),
                    percent(interval / runs),
                    f"{percent(naive_upper / runs)}, {percent(naive_lower / runs)}",
                ),
                f"≥ {LEAST:.0%}".replace("%", " %") if required else "shown",
                worst >= LEAST if required else None,
            )
        )
        figures[f"{shape.profile}, φ {shape.phi:g}, together {shape.together:g}"] = worst
    return Table(
        f"Do bounds that are called 95 % sure hold? ({runs:,} runs each)",
        "response times are log-normal with a p95 that is known exactly, whatever the seconds share",
        ("measured", "φ", "shared", "upper bound holds", "lower bound holds", "p95's interval holds", "naive: both"),
        tuple(rows),
        (
            "φ: correlation from each second to the next. Shared: the part of the (log) variance that all requests of "
            "a second have in common. Naive: the same counts as if requests were independent.",
            "With φ = 0.9 a state lasts some 20 s. Half a minute cannot show how often it comes.",
        ),
        figures,
    )
