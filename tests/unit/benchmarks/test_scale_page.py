"""The planning figures: their arithmetic, and that the page has those of the readings."""

from __future__ import annotations

import pytest

from tests.benchmarks.scale import (
    PAGE,
    PORTS,
    Costs,
    Load,
    addresses_for,
    costs_of,
    figures,
    held_for,
    stored,
    with_figures,
    workers_for,
)

ROUND = Costs(
    request_rate=10_000,
    message_rate=50_000,
    connection_bytes=16_000,
    socket_bytes=16_000,
    walk_seconds=1e-6,
    merge_seconds=1e-4,
    read_seconds=1e-3,
    report_bytes=50_000,
)


@pytest.mark.parametrize(
    ("rate", "steps", "workers"),
    [
        (7_000, 1, 1),  # 70 % of a core
        (7_001, 1, 2),
        (100_000, 10, 15),  # (10 − 0.01) ÷ (0.7 − 0.01) = 14.5
        (1_000_000, 10, 167),  # (100 − 0.1) ÷ (0.7 − 0.1) = 166.5
        (1_000_000, 1, None),  # passing by a million arrivals is a core
    ],
)
def test_how_many_workers(rate: float, steps: int, workers: int | None) -> None:
    assert workers_for(Load(rate, steps), ROUND) == workers


def test_the_workers_found_are_enough_and_one_less_is_not() -> None:
    load = Load(250_000, 4)
    found = workers_for(load, ROUND)
    assert found is not None

    def busy(workers: int) -> float:
        passed_by = load.session_rate * (1 - 1 / workers) * ROUND.walk_seconds
        return load.request_rate / workers / ROUND.request_rate + passed_by

    assert busy(found) <= 0.7 < busy(found - 1)


def test_connections_and_their_addresses() -> None:
    assert held_for(Load(60_000, 6)) == 120_000  # 10,000 sessions a second of 12 s
    assert PORTS == 28_232
    assert [addresses_for(count) for count in (1, 28_232, 28_233, 120_000)] == [1, 1, 2, 5]


def test_the_page_has_the_tables_of_what_was_measured() -> None:
    performance, own = stored()
    page = PAGE.read_text()
    assert with_figures(page, figures(costs_of(performance, own), own["host"])) == page, (
        "python -m tests.benchmarks.scale writes them anew"
    )
