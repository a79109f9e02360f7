from __future__ import annotations

import math

import pytest

from harness.analysis import queueing


def test_vector_t17():
    assert queueing.erlang_c(4, 3) == pytest.approx(0.509434, abs=5e-7)
    assert queueing.mmc_wait_seconds(3, 1, 4) == pytest.approx(0.509434, abs=5e-7)
    assert queueing.erlang_c(10, 8) == pytest.approx(0.409180, abs=5e-7)
    assert queueing.mmc_wait_seconds(8, 1, 10) == pytest.approx(0.204590, abs=5e-7)
    assert queueing.erlang_b(10, 8) == pytest.approx(0.121661, abs=5e-7)
    assert queueing.mm1_quantile_seconds(0.95, 0.8, 1) == pytest.approx(14.9787, abs=5e-5)
    assert queueing.mmc_wait_seconds(0.8, 1, 1) + 1 == pytest.approx(5)
    for cv2, wait in ((0, 2), (1, 4), (4, 10)):
        assert queueing.kingman_wait_seconds(0.8, 1, 1, cv2) == pytest.approx(wait)
    assert queueing.little_in_system(180, 0.25) == 45


@pytest.mark.parametrize("servers", [1, 2, 8])
@pytest.mark.parametrize("utilised", [0.1, 0.5, 0.875, 0.99])
def test_the_mean_response_is_the_area_under_the_tail(servers, utilised):
    service = 0.01
    rate = utilised * servers / service
    mean = service + queueing.mmc_wait_seconds(rate, service, servers)
    step = mean / 2000
    area = sum(queueing.mmc_slower((k + 0.5) * step, rate, service, servers) for k in range(2000 * 30)) * step
    assert area == pytest.approx(mean, rel=1e-5)


def test_one_server_is_exponential():
    for seconds in (0.001, 0.05, 1.0):
        assert queueing.mmc_slower(seconds, 80, 0.01, 1) == pytest.approx(math.exp(-20 * seconds), rel=1e-12)
    assert queueing.mmc_quantile_seconds(0.95, 0.8, 1, 1) == pytest.approx(14.9787, abs=5e-5)


def test_where_waits_and_services_are_equally_long():
    """θ = μ, where the formula's fraction is 0/0: c = 2 and ρ = 1/2."""
    beside = queueing.mmc_slower(1.3, 1 + 1e-7, 1, 2)
    assert queueing.mmc_slower(1.3, 1, 1, 2) == pytest.approx(beside, rel=1e-6)
    assert queueing.mmc_slower(1.3, 1, 1, 2) == pytest.approx(math.exp(-1.3) * (1 + queueing.erlang_c(2, 1) * 1.3))


def test_an_unstable_queue_answers_nothing_in_time():
    assert queueing.mmc_slower(5, 100, 0.01, 1) == 1
    assert queueing.mdc_slower(5, 200, 0.01, 2) == 1
    assert queueing.mmc_quantile_seconds(0.9, 200, 0.01, 2) == math.inf
    assert queueing.mm1_quantile_seconds(0.9, 100, 0.01) == math.inf
    assert queueing.erlang_c(2, 2) == 1
    assert queueing.kingman_wait_seconds(1, 1) == math.inf


@pytest.mark.parametrize("servers", [1, 2, 8])
def test_capacity_is_where_the_quantile_meets_the_bound(servers):
    service = servers / 600
    found = queueing.mmc_capacity_per_second(4 * service, 0.9, service, servers)
    assert queueing.mmc_slower(4 * service, found, service, servers) == pytest.approx(0.1, rel=1e-9)
    assert queueing.mmc_quantile_seconds(0.9, found, service, servers) == pytest.approx(4 * service, rel=1e-9)
    found = queueing.mdc_capacity_per_second(3.5 * service, 0.9, service, servers)
    assert queueing.mdc_slower(3.5 * service, found, service, servers) == pytest.approx(0.1, rel=1e-6)


def test_no_capacity_where_services_alone_take_too_long():
    assert queueing.mmc_capacity_per_second(1, 0.95, 1, 4) == 0
    assert queueing.mdc_capacity_per_second(0.99, 0.95, 1, 4) == 0


def test_one_server_of_equal_services():
    """M/D/1: nobody waits with probability 1 − ρ, and Pollaczek and Khinchine's mean is the area under the tail."""
    for utilised in (0.2, 0.8):
        assert queueing.mdc_slower(1, utilised, 1, 1) == pytest.approx(utilised, abs=1e-10)
        steps = 200
        area = (
            sum(
                queueing.mdc_slower(1 + (k + 0.5) / steps, utilised, 1, 1)
                for k in range(steps * (400 if utilised > 0.9 else 100))
            )
            / steps
        )
        assert area == pytest.approx(queueing.kingman_wait_seconds(utilised, 1, 1, 0), rel=1e-4)


def test_several_servers_of_equal_services():
    """Mean waits of M/D/c as tabulated: c = 2, ρ = 0.8 → Wq ÷ s = 0.8 of half of M/M/2's, within its known 3 %."""
    half = queueing.mmc_wait_seconds(1.6, 1, 2) / 2
    steps = 200
    area = sum(queueing.mdc_slower(1 + (k + 0.5) / steps, 1.6, 1, 2) for k in range(steps * 60)) / steps
    assert half < area < 1.04 * half


def test_too_near_to_saturation_is_refused():
    with pytest.raises(ValueError, match=r"0\.99,"):
        queueing.mdc_slower(5, 0.999, 1, 1)
    with pytest.raises(ValueError, match="capacity lies above"):
        queueing.mdc_capacity_per_second(5000, 0.9, 1, 1)
