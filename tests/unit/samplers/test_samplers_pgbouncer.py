from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.samplers.pgbouncer import PgBouncerRaw, PgBouncerSampler, from_targets
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SAMPLER = PgBouncerSampler("postgresql://nobody@127.0.0.1:1/pgbouncer")


def recorded(number: int) -> PgBouncerRaw:
    raw: dict[str, Any] = json.loads((DATA / f"pgbouncer-{number}.json").read_text())
    return PgBouncerRaw(raw["pools"], raw["stats"])


def total(raw: PgBouncerRaw, column: str) -> float:
    (row,) = (row for row in raw.stats if row["database"] == "postgres")
    return float(row[column])


def test_two_recorded_answers() -> None:
    before, now = recorded(1), recorded(2)
    values = SAMPLER.parse(now, before, 2.0)
    assert values["client_active"] == 3  # the console's own client is left out
    assert values["server_active"] + values["server_idle"] == 3
    assert values["max_wait_seconds"] == 0
    assert values["queries_per_second"] == (total(now, "total_query_count") - total(before, "total_query_count")) / 2
    assert values["transactions_per_second"] == (total(now, "total_xact_count") - total(before, "total_xact_count")) / 2
    assert values["queries_per_second"] > values["transactions_per_second"] > 0
    waited = total(now, "total_wait_time") - total(before, "total_wait_time")
    assert values["wait_seconds_per_second"] == pytest.approx(waited / 1e6 / 2)


def test_the_first_sample_has_no_rates() -> None:
    assert set(SAMPLER.parse(recorded(1), None, 0.0)) == {
        "client_active",
        "client_waiting",
        "server_active",
        "server_idle",
        "max_wait_seconds",
    }


def test_the_pool_is_as_large_as_the_databases_say() -> None:
    databases = [{"name": "refapp", "pool_size": 4}, {"name": "pgbouncer", "pool_size": 2}]
    values = SAMPLER.parse(PgBouncerRaw([{**recorded(1).pools[1], "sv_active": 3}], [], databases), None, 0.0)
    assert (values["pool_size"], values["pool_ratio"]) == (4, 0.75)


def test_pools_add_up_and_the_longest_wait_is_the_worst_pools() -> None:
    def pool(**numbers: int) -> dict[str, Any]:
        return {**recorded(1).pools[1], **numbers}

    pools = [
        pool(cl_waiting=2, sv_active=5, sv_idle=0, sv_used=1, maxwait=1, maxwait_us=500_000),
        pool(cl_waiting=3, sv_active=4, sv_idle=2, sv_used=0, maxwait=0, maxwait_us=900_000),
    ]
    values = SAMPLER.parse(PgBouncerRaw(pools, []), None, 0.0)
    assert (values["client_waiting"], values["server_active"], values["server_idle"]) == (5, 9, 3)
    assert values["max_wait_seconds"] == 1.5


def test_a_restart_leaves_the_rates_out() -> None:
    values = SAMPLER.parse(recorded(1), recorded(2), 2.0)
    assert not {"queries_per_second", "transactions_per_second"} & values.keys()


def test_made_when_there_is_a_console() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(pgbouncer_dsn="postgresql://x@127.0.0.1/pgbouncer")) is not None
