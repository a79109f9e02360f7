"""Numbers by name from a Prometheus text: labels, kinds, and what cannot be known."""

from __future__ import annotations

import pytest

from harness.model.target import Metric, MetricKind
from harness.samplers.catalog import make_samplers
from harness.samplers.metrics import MetricsSampler, total
from harness.samplers.targets import Targets

TEXT = b"""# HELP shop_queue_length Messages waiting.
# TYPE shop_queue_length gauge
shop_queue_length{queue="mail",host="a"} 3
shop_queue_length{queue="mail",host="b"} 4 1700000000000
shop_queue_length{queue="quo\\"te} 5",host="b"} 9
shop_queue_length_max 99
shop_orders_total 10
shop_pay_seconds_sum 2.5
shop_pay_seconds_count 10
shop_temperature NaN
"""
LATER = (
    TEXT.replace(b"orders_total 10", b"orders_total 30")
    .replace(b"sum 2.5", b"sum 4.5")
    .replace(b"count 10", b"count 20")
)


def sampled(kind: MetricKind, metric: str, previous: bytes | None = None, raw: bytes = LATER) -> dict[str, float]:
    sampler = MetricsSampler("SHOP", "http://127.0.0.1:1/metrics", (Metric("x", "SHOP", metric, (), kind),))
    return dict(sampler.parse(raw, previous, 5.0))


@pytest.mark.parametrize(
    ("labels", "value"),
    [
        ((), 16.0),
        ((("queue", "mail"),), 7.0),
        ((("queue", "mail"), ("host", "b")), 4.0),
        ((("queue", 'quo"te} 5'),), 9.0),
        ((("queue", "post"),), None),
    ],
)
def test_series_with_the_labels_are_added_up(labels: tuple[tuple[str, str], ...], value: float | None) -> None:
    assert total(TEXT, "shop_queue_length", labels) == value


def test_each_kind_says_what_it_says_at_one_time() -> None:
    assert sampled(MetricKind.GAUGE, "shop_orders_total") == {"x": 30.0}
    assert sampled(MetricKind.COUNTER, "shop_orders_total", TEXT) == {"x": 4.0}
    assert sampled(MetricKind.HISTOGRAM, "shop_pay_seconds", TEXT) == {"x": pytest.approx(0.2)}


@pytest.mark.parametrize(
    ("kind", "metric", "previous", "raw"),
    [
        (MetricKind.COUNTER, "shop_orders_total", None, LATER),
        (MetricKind.COUNTER, "shop_orders_total", LATER, TEXT),  # restarted
        (MetricKind.HISTOGRAM, "shop_pay_seconds", LATER, LATER),  # nobody paid
        (MetricKind.GAUGE, "shop_temperature", None, TEXT),
        (MetricKind.GAUGE, "shop_queue", None, TEXT),
    ],
)
def test_what_cannot_be_known_is_left_out(kind: MetricKind, metric: str, previous: bytes | None, raw: bytes) -> None:
    assert sampled(kind, metric, previous, raw) == {}


def test_one_sampler_for_each_address_that_is_known() -> None:
    metrics = tuple(Metric(name, variable, name, (), MetricKind.GAUGE) for name, variable in (("a", "A"), ("b", "B")))
    urls = (("A", "http://u:geheim@127.0.0.1:1/metrics"),)
    targets = Targets(metrics=metrics, metrics_urls=urls)
    assert [sampler.source for sampler in make_samplers(targets)] == ["host", "metrics A"]
    assert "geheim" not in repr(targets)
