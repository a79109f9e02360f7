from dataclasses import replace

import pytest

from harness.analysis.predictions import OBSERVERS, compare, observed, ratio_of
from harness.model.measurement import Basis
from harness.model.prediction import MEASURES
from harness.model.samples import ServerSample
from tests.support.evidence import START, make_evidence
from tests.support.lectio import GIB, USERS
from tests.support.plan_values import prediction


def predicted(evidence, *predictions):
    return compare(replace(evidence, subject=replace(evidence.subject, predictions=predictions)))


def level(evidence, name="peak"):
    return evidence.plan.level(name)


def test_every_measure_is_observed():
    assert [measure.name for measure in MEASURES] == list(OBSERVERS)


def test_requests_per_core_is_the_throughput_over_the_cores_used():
    evidence = make_evidence(cpu={"peak": 0.5})
    found = observed(evidence, level(evidence), "requests_per_core")
    assert found.value == pytest.approx(80, rel=0.02)  # 80/s on half of two cores
    assert found.lower < found.value < found.upper
    assert found.basis is Basis.MEASURED


def test_errors_are_no_good_responses():
    evidence = make_evidence(errors={"peak": 0.25})
    assert observed(evidence, level(evidence), "requests_per_second").value == pytest.approx(60, rel=0.05)


def test_connections_are_those_of_the_level():
    evidence = make_evidence(connections={"normal": 0.2, "peak": 0.6})
    assert observed(evidence, level(evidence), "postgres_connections").value == pytest.approx(30, rel=0.02)
    assert observed(evidence, level(evidence, "normal"), "postgres_connections").value == pytest.approx(10, rel=0.03)


def test_messages_are_those_acknowledged_and_those_delivered():
    evidence = make_evidence()
    phase = level(evidence).phases[2]
    measured = range(int(phase.start_seconds), int(phase.end_seconds))
    counted = sum(
        row.completed
        for row in evidence.requests
        if row.endpoint in ("socket ack", "socket delivery") and row.second in measured
    )
    found = observed(evidence, level(evidence), "socket_messages_per_second").value
    assert found == pytest.approx(counted / phase.duration_seconds)
    assert found > 0
    silent = tuple(row for row in evidence.requests if row.kind != "socketio")
    assert observed(replace(evidence, requests=silent), level(evidence), "socket_messages_per_second") is None


def test_a_delivery_takes_as_long_as_its_receivers_waited():
    evidence = make_evidence()
    phase = level(evidence).phases[2]
    found = [
        row.response
        for row in evidence.requests
        if row.endpoint == "socket delivery" and phase.start_seconds <= row.second < phase.end_seconds
    ]
    mean = sum(each.sum_seconds for each in found) / sum(each.count for each in found)
    assert observed(evidence, level(evidence), "socket_delivery_seconds").value == pytest.approx(mean, rel=0.05)
    acknowledged = tuple(row for row in evidence.requests if row.endpoint != "socket delivery")
    assert observed(replace(evidence, requests=acknowledged), level(evidence), "socket_delivery_seconds") is None


class TestMemoryPerSocket:
    def grown(self, **memory):
        """Without noise: 1 GiB before the load, 2 GiB in it."""
        evidence = make_evidence()
        servers = tuple(
            ServerSample(sample.monotonic_seconds, "stack", {"memory_bytes": GIB * (1.0 if before else 2.0)})
            for sample in evidence.servers
            if sample.source == "stack"
            for before in (sample.monotonic_seconds < START,)
        )
        return replace(evidence, servers=servers)

    def test_the_growth_since_before_the_load_over_the_sockets(self):
        evidence = self.grown()
        found = observed(evidence, level(evidence), "memory_per_socket_bytes")
        assert found.value == pytest.approx(GIB / USERS["peak"])
        assert found.basis is Basis.ESTIMATED

    def test_nothing_without_a_look_before_the_load(self):
        evidence = self.grown()
        later = tuple(sample for sample in evidence.servers if sample.monotonic_seconds > START)
        assert observed(replace(evidence, servers=later), level(evidence), "memory_per_socket_bytes") is None

    def test_nothing_without_sockets(self):
        evidence = replace(self.grown(), generator=())
        assert observed(evidence, level(evidence), "memory_per_socket_bytes") is None


def test_bytes_are_those_that_nginx_logged_and_a_quiet_second_sent_none():
    evidence = make_evidence()
    phase = level(evidence).phases[2]
    seconds = range(int(phase.start_seconds), int(phase.end_seconds))
    logged = replace(evidence, nginx_bytes=tuple((second, 4000) for second in seconds if second % 2))
    assert observed(logged, level(evidence), "response_bytes_per_second").value == pytest.approx(2000, rel=0.1)
    assert observed(evidence, level(evidence), "response_bytes_per_second") is None


def test_requests_in_flight_follow_littles_law():
    evidence = make_evidence(median_seconds={"peak": 0.05})
    found = observed(evidence, level(evidence), "requests_in_flight").value
    rows = [
        row
        for row in evidence.requests
        if row.kind != "job"
        and row.endpoint != "socket delivery"
        and row.second
        in range(int(level(evidence).phases[2].start_seconds), int(level(evidence).phases[2].end_seconds))
    ]
    seconds = level(evidence).phases[2].duration_seconds
    assert found == pytest.approx(sum(row.service.sum_seconds for row in rows) / seconds, rel=0.05)


class TestCompare:
    def test_a_ratio_is_the_run_over_the_plan(self):
        evidence = make_evidence(connections={"peak": 0.6})
        (seen,) = predicted(evidence, prediction("postgres_connections", 10, 15))
        assert seen.ratio == pytest.approx((2.0, 3.0), rel=0.02)

    def test_what_was_not_seen_says_so_and_has_no_number(self):
        (seen,) = predicted(make_evidence(silent=("redis",)), prediction("redis_memory_bytes", 1e6))
        assert (seen.measurement, seen.ratio) == (None, None)
        assert seen.missing == "nothing was seen of it in the measure phase"

    def test_a_level_that_the_run_has_not(self):
        evidence = make_evidence()
        plan = replace(evidence.plan, levels=evidence.plan.levels[:1])
        (seen,) = predicted(replace(evidence, plan=plan), prediction("sockets", 5))
        assert seen.missing == "the run had no level peak"

    def test_a_level_that_was_cut_short_has_no_number(self):
        phase = level(make_evidence()).phases[2]
        middle = (phase.start_seconds + phase.end_seconds) / 2
        cut = make_evidence(stop_at=middle, stop_reason="interrupted: Ctrl-C")
        early, late = predicted(cut, prediction("requests_per_second", 80, level="normal"), prediction("sockets", 5))
        assert early.measurement is not None
        assert (late.measurement, late.ratio) == (None, None)
        assert late.missing.startswith("the level was not measured to its end: Ctrl-C at ")

    def test_nothing_is_divided_by_zero(self):
        assert ratio_of(3, 0, 0) is None
