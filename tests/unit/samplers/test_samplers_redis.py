from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.redis_server import RedisRaw, RedisSampler, from_targets
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SAMPLER = RedisSampler("redis://127.0.0.1:1/0")


def recorded(number: int) -> RedisRaw:
    return RedisRaw((DATA / f"redis-info-{number}.txt").read_bytes().decode(), 0.0002)


def field(raw: RedisRaw, name: str) -> float:
    (value,) = (line.split(":")[1] for line in raw.info.splitlines() if line.startswith(name + ":"))
    return float(value)


def test_two_recorded_answers() -> None:
    before, now = recorded(1), recorded(2)
    values = SAMPLER.parse(now, before, 2.0)
    cpu = sum(
        field(now, name) - field(before, name) for name in ("used_cpu_sys_main_thread", "used_cpu_user_main_thread")
    )
    operations = field(now, "total_commands_processed") - field(before, "total_commands_processed")
    assert values == {
        "used_memory_bytes": field(now, "used_memory"),
        "connected_clients": 1.0,
        "evicted_keys_total": 0.0,
        "rejected_connections_total": 0.0,
        "out_of_memory_errors_total": 0.0,
        "ping_seconds": 0.0002,
        "operations_per_second": operations / 2,
        "cpu_ratio": pytest.approx(cpu / 2),
        "evictions_per_second": 0.0,
    }
    assert operations > 0


def test_evictions_and_hits_are_those_since_the_sample_before() -> None:
    counted = ("evicted_keys", "keyspace_hits", "keyspace_misses")
    before, now = recorded(1), recorded(2)

    def counting(raw: RedisRaw, *counts: int) -> RedisRaw:
        lines = [line for line in raw.info.splitlines() if line.split(":")[0] not in counted]
        lines += [f"{name}:{count}" for name, count in zip(counted, counts, strict=True)]
        return RedisRaw("\r\n".join(lines), raw.ping_seconds)

    values = SAMPLER.parse(counting(now, 10, 190, 30), counting(before, 4, 100, 20), 2.0)
    assert (values["evictions_per_second"], values["hit_ratio"]) == (3.0, 0.9)
    assert "hit_ratio" not in SAMPLER.parse(counting(now, 0, 5, 5), counting(before, 0, 5, 5), 2.0)


def test_a_limit_makes_a_share_and_refusals_are_counted() -> None:
    info = recorded(1).info
    used = field(recorded(1), "used_memory")
    limited = info.replace("maxmemory:0", f"maxmemory:{2 * used:.0f}") + "\r\nerrorstat_OOM:count=7\r\n"
    values = SAMPLER.parse(RedisRaw(limited, 0.0), None, 0.0)
    assert values["memory_ratio"] == pytest.approx(0.5)
    assert values["out_of_memory_errors_total"] == 7
    assert "memory_ratio" not in SAMPLER.parse(recorded(1), None, 0.0)


def test_the_first_sample_has_no_rates() -> None:
    assert not {"operations_per_second", "cpu_ratio"} & SAMPLER.parse(recorded(1), None, 0.0).keys()


def test_a_restart_leaves_the_rates_out() -> None:
    assert not {"operations_per_second", "cpu_ratio"} & SAMPLER.parse(recorded(1), recorded(2), 2.0).keys()


def test_an_answer_without_a_field_is_no_answer() -> None:
    with pytest.raises(KeyError):
        SAMPLER.parse(RedisRaw("# Memory\r\nused_memory:1\r\n", 0.0), None, 0.0)


def test_made_when_there_is_a_url() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(redis_url="redis://127.0.0.1:1/0")) is not None
