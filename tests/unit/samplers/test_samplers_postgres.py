from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.samplers.postgres import PostgresSampler, from_targets
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SAMPLER = PostgresSampler("postgresql://nobody@127.0.0.1:1/none")
LEVELS = {
    "connections",
    "connections_ratio",
    "active",
    "idle",
    "idle_in_transaction",
    "waiting_lock",
    "waiting_lwlock",
    "waiting_io",
    "locks_not_granted",
    "deadlocks_total",
    "longest_statement_seconds",
}


def recorded(number: int) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((DATA / f"postgres-{number}.json").read_text())
    return row


def test_two_recorded_answers() -> None:
    before, now = recorded(1), recorded(2)
    values = SAMPLER.parse(now, before, 2.0)
    assert values["connections"] == 3
    assert values["connections_ratio"] == 3 / 60
    assert (values["idle"], values["idle_in_transaction"]) == (2, 1)
    assert values["commits_per_second"] == (now["commits"] - before["commits"]) / 2 > 0
    assert values["rollbacks_per_second"] == 0
    assert values["statements_per_second"] == (now["statements"] - before["statements"]) / 2 > 0
    assert values["statement_seconds_per_second"] == (now["statement_seconds"] - before["statement_seconds"]) / 2 > 0
    hits, reads = now["blocks_hit"] - before["blocks_hit"], now["blocks_read"] - before["blocks_read"]
    assert values["cache_hit_ratio"] == pytest.approx(hits / (hits + reads))
    assert set(values) == LEVELS | {
        "commits_per_second",
        "rollbacks_per_second",
        "statements_per_second",
        "statement_seconds_per_second",
        "cache_hit_ratio",
    }


def test_free_connections_are_those_of_ordinary_roles_and_never_below_none() -> None:
    assert SAMPLER.parse({**recorded(1), "connections_free": 4}, None, 0.0)["connections_free"] == 4
    assert SAMPLER.parse({**recorded(1), "connections_free": -1}, None, 0.0)["connections_free"] == 0


def test_a_replica_that_does_not_follow_has_no_lag_at_all() -> None:
    lag = "replication_lag_seconds"
    assert SAMPLER.parse({**recorded(1), lag: 0.25}, None, 0.0)[lag] == 0.25
    assert SAMPLER.parse({**recorded(1), lag: 0.0}, None, 0.0)[lag] == 0
    assert lag not in SAMPLER.parse({**recorded(1), lag: None}, None, 0.0)


def test_the_first_sample_has_no_rates() -> None:
    assert set(SAMPLER.parse(recorded(1), None, 0.0)) == LEVELS


def test_without_pg_stat_statements_its_keys_are_left_out() -> None:
    without = {"statements": None, "statement_seconds": None}
    values = SAMPLER.parse({**recorded(2), **without}, {**recorded(1), **without}, 2.0)
    assert not {"statements_per_second", "statement_seconds_per_second"} & values.keys()
    assert "commits_per_second" in values


def test_statistics_that_were_reset_leave_their_keys_out() -> None:
    values = SAMPLER.parse({**recorded(2), "statements": 1.0, "statement_seconds": 0.001}, recorded(1), 2.0)
    assert not {"statements_per_second", "statement_seconds_per_second"} & values.keys()
    assert "commits_per_second" in values


def test_nothing_read_means_no_hit_ratio() -> None:
    values = SAMPLER.parse(recorded(1), recorded(1), 1.0)
    assert "cache_hit_ratio" not in values
    assert values["commits_per_second"] == 0


def test_made_when_there_is_a_data_source_name() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(postgres_dsn="postgresql://x@127.0.0.1/y")) is not None
