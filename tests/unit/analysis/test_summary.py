from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.summary import level_summary, timeline
from tests.support.evidence import make_evidence


def lines(level="peak", **knobs):
    evidence = make_evidence(**knobs)
    return {(line.endpoint, line.probe): line for line in level_summary(evidence, evidence.plan.level(level))}


def test_all_http_comes_first_and_leaves_the_probes_out():
    evidence = make_evidence()
    first = level_summary(evidence, evidence.plan.level("peak"))[0]
    assert (first.endpoint, first.kind, first.offered, first.rate_per_second) == ("all HTTP", "all", 2400, 80)
    assert first.response.count == 2400
    assert first.response.p50_seconds < first.response.p95_seconds < first.response.p99_seconds
    assert first.service.mean_seconds < first.response.mean_seconds


def test_a_line_for_each_endpoint_and_one_for_its_probes():
    found = lines()
    assert found["GET /api/lessons", False].kind == "http"
    assert found["POST /api/uploads", True].completed == 3
    assert found["job end to end", True].response.p50_seconds == pytest.approx(5, rel=0.0079)
    assert sum(line.offered for (_, probe), line in found.items() if line.kind == "http" and not probe) == 2400


def test_what_went_wrong_is_counted():
    found = lines(errors={"peak": 0.1}, dropped={"peak": 0.1})["all HTTP", False]
    assert found.offered == 2400
    assert found.completed + found.errors + found.dropped == 2400
    assert found.error_kinds == {"HTTP 503": found.errors}
    assert found.rate_per_second == pytest.approx(found.completed / 30)


def test_reach_is_there():
    found = lines(reach={"peak": 0.9})["socket delivery", False]
    assert (found.completed, found.expected) == (2160, 2400)


def test_an_endpoint_without_a_good_response_has_no_times():
    found = lines(errors={"peak": 1.0})["all HTTP", False]
    assert (found.response.count, found.response.p95_seconds, found.response.max_seconds) == (0, None, None)


def test_a_level_that_was_never_reached_has_no_lines():
    assert lines("recovery", stop_at=83.0) == {}


def test_the_timeline_covers_the_load_in_step():
    found = timeline(make_evidence())
    assert len(found.starts_seconds) == 180
    assert found.offered_per_second[20] == 50
    assert found.planned_per_second[20] == 50
    assert found.planned_per_second[1] is None
    assert found.response_p95_seconds[20] is not None
    assert found.response_p50_seconds[20] <= found.response_p95_seconds[20] <= found.response_p99_seconds[20]
    assert found.sockets[60] == 495
    assert found.generator_cpu_ratio[60] == 0.22
    assert found.servers["stack.cpu_ratio"][60] == pytest.approx(0.41, abs=0.011)
    for name in found.__slots__:
        value = getattr(found, name)
        if isinstance(value, tuple):
            assert len(value) == 180, name
    assert all(len(series) == 180 for series in found.servers.values())


def test_wider_windows_keep_the_rates():
    found = timeline(make_evidence(), window_seconds=10)
    assert len(found.starts_seconds) == 18
    assert found.offered_per_second[1:4] == (50, 50, 50)
    assert found.completed_per_second[1:4] == (50, 50, 50)


def test_a_gap_is_none_and_never_zero():
    evidence = make_evidence(gaps={"stack": 0.5})
    series = timeline(evidence).servers["stack.cpu_ratio"]
    gaps = sum(value is None for value in series)
    assert 60 < gaps < 120
    assert all(value > 0 for value in series if value is not None)


def test_a_second_without_requests_has_rates_of_zero_and_no_times():
    found = timeline(make_evidence())
    assert found.offered_per_second[42] == 0  # a drain
    assert found.response_p95_seconds[42] is None


def test_a_run_cut_short_ends_where_it_ended():
    assert len(timeline(make_evidence(stop_at=83.0)).starts_seconds) == 83


def test_no_load_no_timeline():
    found = timeline(replace(make_evidence(), load_start_seconds=None))
    assert found.starts_seconds == ()


def test_the_endpoints_are_in_the_same_order_at_each_level():
    evidence = make_evidence()
    peak = evidence.plan.level("peak")
    mixed = tuple(reversed([row for row in evidence.requests if row.second >= peak.start_seconds]))
    mixed = tuple(row for row in evidence.requests if row.second < peak.start_seconds) + mixed
    evidence = replace(evidence, requests=mixed)
    names = [[(line.endpoint, line.probe) for line in level_summary(evidence, level)] for level in evidence.plan.levels]
    assert names[0][:3] == [("all HTTP", False), ("POST /login", False), ("GET /api/lessons", False)]
    assert names[0] == names[1] == names[2] == names[3]
    assert [probe for _, probe in names[0]] == sorted(probe for _, probe in names[0])
