from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.nginx import NginxSampler, from_targets
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SAMPLER = NginxSampler("http://127.0.0.1:1/nginx_status")


def page(active: int, accepts: int, requests: int, reading: int, writing: int, waiting: int) -> bytes:
    return (
        f"Active connections: {active} \nserver accepts handled requests\n {accepts} {accepts} {requests} \n"
        f"Reading: {reading} Writing: {writing} Waiting: {waiting} \n"
    ).encode()


def test_two_recorded_pages_without_the_samplers_own_share() -> None:
    before, now = ((DATA / f"nginx-status-{number}.txt").read_bytes() for number in (1, 2))
    accepts_before, _, requests_before = (int(word) for word in before.split(b"\n")[2].split())
    accepts, _, requests = (int(word) for word in now.split(b"\n")[2].split())
    values = SAMPLER.parse(now, before, 2.0)
    assert values == {
        "active": 0,
        "reading": 0,
        "writing": 0,
        "waiting": 0,
        "requests_total": requests,
        "requests_per_second": (requests - requests_before - 1) / 2,
        "connections_per_second": (accepts - accepts_before) / 2,
    }
    assert values["requests_per_second"] > 0


def test_connections_by_state() -> None:
    values = SAMPLER.parse(page(43, 1000, 9000, 1, 6, 36), None, 0.0)
    assert values == {"active": 42, "reading": 1, "writing": 5, "waiting": 36, "requests_total": 9000}


def test_a_restart_leaves_the_rates_out() -> None:
    values = SAMPLER.parse(page(1, 1, 1, 0, 1, 0), page(1, 500, 900, 0, 1, 0), 1.0)
    assert not [key for key in values if key.endswith("_per_second")]


def test_another_page_is_an_error() -> None:
    with pytest.raises(ValueError, match="stub_status"):
        SAMPLER.parse(b"<html>404</html>", None, 0.0)


def test_made_when_there_is_a_status_page() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(nginx_status_url="http://127.0.0.1:1/nginx_status")) is not None
