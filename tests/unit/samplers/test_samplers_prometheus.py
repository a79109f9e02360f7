from __future__ import annotations

from pathlib import Path

import pytest

from harness.samplers.prometheus import ApplicationSampler, buckets, from_targets, parse_text
from harness.samplers.targets import Targets

DATA = Path(__file__).parent / "data"
SAMPLER = ApplicationSampler("http://127.0.0.1:1/metrics")


def recorded(number: int) -> bytes:
    return (DATA / f"application-metrics-{number}.txt").read_bytes()


def number(text: bytes, name: str) -> float:
    (line,) = (line for line in text.decode().splitlines() if line.startswith(name))
    return float(line.rsplit(" ", 1)[1])


def test_two_recorded_answers() -> None:
    before, now = recorded(1), recorded(2)
    values = SAMPLER.parse(now, before, 2.0)
    for what, rate in (("request", "requests_per_second"), ("query", "queries_per_second")):
        count = number(now, f"refapp_{what}_seconds_count") - number(before, f"refapp_{what}_seconds_count")
        seconds = number(now, f"refapp_{what}_seconds_sum") - number(before, f"refapp_{what}_seconds_sum")
        assert values[rate] == count / 2 > 0
        assert values[f"{what}_seconds_mean"] == pytest.approx(seconds / count)
    assert values["requests_in_flight"] == 1
    assert values["sockets_open"] == 0
    assert values["hub_lag_seconds_max"] == 0.004


def test_the_first_sample_has_no_rates() -> None:
    values = SAMPLER.parse(recorded(1), None, 0.0)
    assert set(values) == {"requests_in_flight", "requests_total", "sockets_open", "hub_lag_seconds_max"}
    assert values["requests_total"] == number(recorded(1), "refapp_request_seconds_count") > 0


def test_labels_add_up_whatever_they_hold() -> None:
    text = (
        b"# TYPE a_total counter\n"
        b'a_total{path="/x y",q="{}\\" }"} 3.0\n'
        b'a_total{path="/z"} 4 1700000000000\n'
        b"b_total 5\n"
        b'c_seconds_bucket{le="+Inf"} 9\n'
        b"\n"
    )
    assert parse_text(text) == [("a_total", 3.0), ("a_total", 4.0), ("b_total", 5.0)]


def test_waits_for_a_connection_add_up_to_how_many_wait_and_refusals_are_counted() -> None:
    before = b"x_pool_wait_seconds_sum 2\nx_connections_refused_total 3\n"
    now = b"x_pool_wait_seconds_sum 12\nx_connections_refused_total 4\n"
    assert SAMPLER.parse(now, before, 5.0) == {"connections_refused_total": 4.0, "pool_waiting": 2.0}
    assert "pool_waiting" not in SAMPLER.parse(before, now, 5.0)  # after a restart


def statements_text(*endpoints: tuple[str, float, float]) -> bytes:
    return b"".join(
        f'x_request_statements_{ending}{{endpoint="{endpoint}"}} {number}\n'.encode()
        for endpoint, sent, asking in endpoints
        for ending, number in (("sum", sent), ("count", asking))
    )


def test_statements_are_counted_for_each_endpoint() -> None:
    before = statements_text(("GET /a/:id", 40, 10))
    now = statements_text(("GET /a/:id", 49, 11), ("GET /b", 3, 1))
    values = {
        "queries_of.GET /a/:id": 9.0,
        "querying_requests_of.GET /a/:id": 1.0,
        "queries_of.GET /b": 3.0,
        "querying_requests_of.GET /b": 1.0,
    }
    assert SAMPLER.parse(now, before, 5.0) == values
    assert SAMPLER.parse(now, None, 0.0) == {}
    assert SAMPLER.parse(before, now, 5.0) == {}  # after a restart


def test_the_worst_worker_lags() -> None:
    values = SAMPLER.parse(b'x_hub_lag_seconds{pid="1"} 0.004\nx_hub_lag_seconds{pid="2"} 0.9\n', None, 0.0)
    assert values == {"hub_lag_seconds_max": 0.9}


def test_without_requests_there_is_a_rate_and_no_mean() -> None:
    values = SAMPLER.parse(recorded(1), recorded(1), 5.0)
    assert values["requests_per_second"] == 0
    assert "request_seconds_mean" not in values


def test_a_restart_leaves_rates_and_means_out() -> None:
    values = SAMPLER.parse(recorded(1), recorded(2), 5.0)
    assert not {"requests_per_second", "request_seconds_mean", "query_seconds_mean"} & values.keys()


def test_an_application_with_other_metrics_is_not_given_zeros() -> None:
    text = b"http_server_request_duration_seconds_sum 2\nhttp_server_request_duration_seconds_count 1\n"
    assert SAMPLER.parse(text, text, 1.0) == {"requests_total": 1.0, "requests_per_second": 0.0}


def test_the_samplers_costly_question_is_asked_rarely() -> None:
    assert SAMPLER.period_seconds == 5.0


def test_made_when_there_is_a_url() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(application_metrics_urls=("http://127.0.0.1:1/metrics",))) is not None


def test_statements_are_counted_at_the_edges_of_their_buckets() -> None:
    before, now = recorded(1), recorded(2)
    values = SAMPLER.parse(now, before, 5.0)
    counted = number(now, "refapp_query_seconds_count") - number(before, "refapp_query_seconds_count")
    assert values["queries"] == counted
    within = [value for key, value in values.items() if key.startswith("queries_within.")]
    assert within == sorted(within) and within[-1] == counted
    name = 'refapp_query_seconds_bucket{le="0.005"}'
    assert values["queries_within.0.005"] == number(now, name) - number(before, name)


def test_the_buckets_of_all_labels_add_up() -> None:
    text = (
        b'x_query_seconds_bucket{db="a",le="0.1"} 3\nx_query_seconds_bucket{db="b",le="0.1"} 4\n'
        b'x_query_seconds_bucket{db="a",le="+Inf"} 9\nx_request_seconds_bucket{le="0.1"} 7\n'
    )
    assert buckets(text, ("query_seconds",)) == {0.1: 7.0}


def lookups(**results: int) -> bytes:
    return "".join(f'x_cache_lookups_total{{result="{name}"}} {n}.0\n' for name, n in results.items()).encode()


def test_the_cache_is_judged_by_the_applications_own_lookups() -> None:
    help_text = b"# TYPE x_cache_lookups_total counter\n"
    before, now = help_text + lookups(miss=2), help_text + lookups(hit=6, miss=4)
    assert SAMPLER.parse(now, before, 5.0) == {"cache_hits": 6, "cache_lookups": 8, "cache_hit_ratio": 0.75}
    assert SAMPLER.parse(lookups(miss=3), before, 5.0)["cache_hit_ratio"] == 0.0  # the first hit is still to come
    assert SAMPLER.parse(lookups(hit=1), b"", 5.0)["cache_hit_ratio"] == 1.0
    assert "cache_hit_ratio" not in SAMPLER.parse(now, now, 5.0)  # nothing was looked up
    assert SAMPLER.parse(before, now, 5.0) == {}  # after a restart
    assert "cache_lookups" not in SAMPLER.parse(before, None, 0.0)
    assert "cache_lookups" not in SAMPLER.parse(b"other_total 3\n", b"other_total 2\n", 5.0)
