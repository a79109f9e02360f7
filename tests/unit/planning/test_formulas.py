"""Every formula against a worked example, most of them the plans' own."""

from __future__ import annotations

import inspect

import pytest

from harness.planning import formulas
from harness.planning.formulas import FORMULAS

EXAMPLES = {
    # flight-school.md, Compute: 1 vCPU × 0.7 / 0.2 s = 3.5 req/s; 100 req/s need 28.6 vCPU
    "rate_of_cores": ((1, 0.7, 0.2), 3.5),
    "cores_for_rate": ((100, 0.7, 0.2), 28.5714),
    "in_system": ((100, 0.2), 20),
    # mina.md, Connection Calculation: 400 RPS, 4 workers, 200 ms, 50 %: 30 connections a worker
    "connections_per_worker": ((400, 4, 0.2, 0.5), 30),
    # flight-school.md, Database Connections, tier 1
    "connections_needed": ((2, 10, 25), 45),
    "pool_connections": ((4, 30, 90), 480),
    "workers_for_cores": ((4,), 9),
    "per_second": ((86_400,), 1),
    "per_day": ((20,), 1_728_000),
    # chitlaq.md: 1 GB a day is 30 GB a month
    "per_month": ((1e9,), 30e9),
    # flight-school.md, Storage: 100 × 10 × 2 MB
    "stored_bytes": ((100, 10, 2e6), 2e9),
    "bandwidth": ((10, 1000), 10_000),
    # mina.md: 16 kHz, 16 bits
    "audio_bytes_per_second": ((16_000, 2), 32_000),
    # mina.md: 800 connections × 2.5 MB
    "memory_of_connections": ((800, 2.5e6), 2e9),
    "cost_per_user": ((95, 1000), 0.095),
    "break_even": ((415, 25), 17),
    "margin": ((500, 95), 0.81),
    "growth": ((40, 95), 1.375),
    "reduction": ((800, 100), 0.875),
    "speedup": ((1000, 2), 500),
    # course-organizer.md: 1,500 participants, 500 to a bridge
    "bridges_needed": ((1500, 500), 3),
    "share_down": ((0.999, 30 * 86_400), 2592),
    # mina.md: 100 RPS of 10,000 users, a list kept for 60 s: 0.6 hits follow each miss
    "cache_hit_rate": ((0.01, 60), 0.375),
    "ceil": ((7.5,), 8),
}


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.name)
def test_a_formula_gives_its_worked_example(formula) -> None:
    arguments, result = EXAMPLES[formula.name]
    assert formula.function(*arguments) == pytest.approx(result, rel=1e-5)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.name)
def test_a_formula_names_its_arguments_in_order_and_writes_each_of_them(formula) -> None:
    assert tuple(inspect.signature(formula.function).parameters) == formula.arguments
    written = formula.written(*(f"<{name}>" for name in formula.arguments))
    assert all(f"<{name}>" in written for name in formula.arguments)
    assert formula.source


def test_a_whole_number_of_customers_is_not_rounded_up_by_a_binary_digit() -> None:
    assert formulas.break_even(93 * 25.0, 25.0) == 93
    assert formulas.bridges_needed(1000.0, 500.0) == 2
