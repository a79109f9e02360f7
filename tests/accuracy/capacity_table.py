"""The capacity searches of ``capacity_search`` as a table."""

from __future__ import annotations

from tests.accuracy.capacity_search import SCENARIOS, Scenario, study
from tests.accuracy.study import Row, Table, percent

LEAST = 0.9


def run(runs: int, scenarios: tuple[Scenario, ...] = SCENARIOS) -> Table:
    """So many searches of each queue."""
    found = study(runs, scenarios, processes=1)
    rows = [
        Row(
            (
                each.scenario,
                f"{each.true_per_second:.1f}/s",
                f"{each.median_error * 100:.1f} %, {each.worst_error * 100:.1f} %",
                percent(each.within_5_percent),
                percent(each.contains_truth),
                f"{each.trials:.0f} in {each.seconds / 60:.0f} min",
            ),
        )
        for each in found
    ]
    total = sum(each.searches for each in found)
    within = sum(each.within_5_percent * each.searches for each in found) / total
    contains = sum(each.contains_truth * each.searches for each in found) / total
    rows.append(
        Row(
            ("all", "", "", percent(within), percent(contains), ""),
            "≥ 90 %",
            min(within, contains) >= LEAST,
        )
    )
    return Table(
        f"Is the capacity found? ({runs} searches each)",
        "queueing theory: the arrival rate at which the percentile of an M/M/c or M/D/c queue's response times is its "
        "bound",
        ("queue, SLO", "true capacity", "error: median, largest", "within 5 %", "bracket holds it", "trials (median)"),
        tuple(rows),
        ("*Found* is the geometric middle of the bracket. Trials last 20 s but where another length is named.",),
        {"within 5 %": within, "bracket holds the truth": contains},
    )
