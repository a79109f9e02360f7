"""What a server says of itself, and what the samplers read in it."""

from __future__ import annotations

import pytest

from harness.oracle.metrics import Lie, Meter, Numbers, nginx_text, prometheus_text
from harness.samplers.nginx import NginxSampler
from harness.samplers.prometheus import ApplicationSampler


def after(lie: Lie, requests: int) -> Meter:
    """A request of 0.1 s begins each second from 100.0 on."""
    meter = Meter(lie)
    for number in range(requests):
        meter.begin(100.0 + number)
        meter.end(100.1 + number, 0.1)
    return meter


def test_an_honest_meter_tells_what_happened():
    meter = after(Lie(), 10)
    assert meter.told(200.0) == meter.true
    assert meter.true == Numbers(10, pytest.approx(1.0), 0)


def test_a_frozen_meter_tells_what_was():
    meter = after(Lie(freeze_after_seconds=3.5), 10)
    assert meter.told(200.0).requests == 4
    assert meter.true.requests == 10


def test_a_reset_meter_begins_anew():
    meter = after(Lie(reset_after_seconds=3.5), 10)
    assert meter.told(200.0).requests == 6
    assert meter.true.requests == 10
    assert after(Lie(reset_after_seconds=3.5), 4).told(102.0).requests == 4


def test_no_lie_before_the_first_request():
    assert Meter(Lie(freeze_after_seconds=0.0)).told(1e6) == Numbers()
    with pytest.raises(ValueError, match="before the first"):
        Lie(reset_after_seconds=-1)


def test_the_samplers_understand_it():
    before, now = Numbers(10, 1.0, 2), Numbers(30, 3.0, 3)
    application = ApplicationSampler("http://127.0.0.1:1/metrics")
    values = application.parse(prometheus_text(now).encode(), prometheus_text(before).encode(), 2.0)
    assert values == {
        "requests_in_flight": 3,
        "requests_total": 30,
        "requests_per_second": 10,
        "request_seconds_mean": pytest.approx(0.1),
    }
    nginx = NginxSampler("http://127.0.0.1:1/status")
    values = nginx.parse(nginx_text(now).encode(), None, 0.0)
    assert (values["active"], values["requests_total"]) == (3, 34)
