from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.observations import Comeback, Fact, Gauge, Shares, Throughput, Times, Unobserved
from harness.analysis.slis import SLIS, held_at, sli
from harness.model.plan import Held
from harness.model.samples import AcknowledgedWrite, JobEvent
from tests.support.evidence import START, make_evidence


def observe(name, level="peak", evidence=None, **knobs):
    evidence = make_evidence(**knobs) if evidence is None else evidence
    return sli(name).observe(evidence, evidence.plan.level(level))


@pytest.mark.parametrize("each", SLIS, ids=lambda each: each.name)
def test_without_evidence_nothing_is_observed(each):
    evidence = replace(
        make_evidence(), requests=(), servers=(), generator=(), acknowledged=(), jobs=(), reconciliation=None
    )
    level = evidence.plan.level("3x-peak")
    observed = each.observe(evidence, level)
    if each.name == "server_crashes":  # told by events, which are there
        assert observed == Fact(0, "no server died")
    else:
        assert isinstance(observed, Unobserved)
        assert observed.reason


def test_an_unknown_name():
    with pytest.raises(KeyError):
        sli("nonsense")


def test_response_times_pool_http_and_uploads_without_probes():
    seen = observe("http_response_seconds")
    assert isinstance(seen, Times)
    rows = [row for batch in seen.batches for row in batch]
    assert len(seen.batches) == 10
    assert sum(row.offered for row in rows) == 2400
    assert {row.kind for row in rows} == {"http"}
    assert not any(row.probe for row in rows)


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("socket_ack_seconds", "socket ack"),
        ("socket_delivery_seconds", "socket delivery"),
        ("job_end_to_end_seconds", "job end to end"),
    ],
)
def test_times_of_one_endpoint(name, endpoint):
    seen = observe(name)
    assert isinstance(seen, Times)
    assert {row.endpoint for batch in seen.batches for row in batch} == {endpoint}


def test_deliveries_that_never_came_are_absent():
    seen = observe("socket_delivery_seconds", reach={"peak": 0.9})
    assert isinstance(seen, Times)
    assert sum(seen.absent) == 240


def test_reach():
    seen = observe("socket_reach_ratio", reach={"peak": 0.9})
    assert isinstance(seen, Shares)
    assert (sum(bad for bad, _ in seen.batches), sum(n for _, n in seen.batches)) == (240, 2400)


def test_success_and_what_the_system_admitted():
    seen = observe("request_success_ratio", errors={"peak": 0.1}, dropped={"peak": 0.05})
    assert isinstance(seen, Shares)
    bad, faults = sum(bad for bad, _ in seen.batches), sum(bad for bad, _ in seen.faults)
    assert 300 < bad < 420
    assert 200 < faults < 280


def test_throughput():
    seen = observe("throughput_per_second", errors={"peak": 0.1})
    assert isinstance(seen, Throughput)
    assert sum(seen.offered) / 10 == pytest.approx(80)
    assert sum(seen.completed) / 10 == pytest.approx(72, abs=2)
    assert seen.planned == 80


def test_sockets_held():
    seen = observe("sockets_held_ratio", sockets={"peak": 0.9})
    assert isinstance(seen, Gauge)
    assert seen.maximum == pytest.approx(0.9, abs=0.002)
    assert seen.gap_ratio == 0


def test_more_sockets_than_planned_are_not_more_than_all():
    seen = observe("sockets_held_ratio", sockets={"peak": 1.2})
    assert isinstance(seen, Gauge)
    assert seen.maximum == 1


@pytest.mark.parametrize(
    ("second", "sockets"), [(-1, 0), (0, 0), (5, 50), (10, 100), (20, 100), (30, 40), (31, 40), (99, 40)]
)
def test_the_plans_curve_of_sockets(second, sockets):
    assert held_at(Held(((0, 0), (10, 100), (30, 100), (30, 40), (40, 40))), second) == sockets


@pytest.mark.parametrize(
    ("name", "knob", "value"),
    [
        ("stack_cpu_ratio", "cpu", 0.6),
        ("stack_memory_ratio", "memory", 0.5),
        ("stack_disk_ratio", "disk", 0.4),
        ("postgres_connections_ratio", "connections", 0.7),
    ],
)
def test_gauges(name, knob, value):
    seen = observe(name, **{knob: {"peak": value}})
    assert isinstance(seen, Gauge)
    assert sum(seen.means) / len(seen.means) == pytest.approx(value, abs=0.005)
    assert seen.maximum <= value + 0.011
    assert len(seen.means) == 10


def test_a_gap_is_a_gap():
    seen = observe("stack_cpu_ratio", gaps={"stack": 0.5})
    assert isinstance(seen, Gauge)
    assert 0.2 < seen.gap_ratio < 0.8
    assert seen.samples == round(30 * (1 - seen.gap_ratio))


def test_kills_count_where_they_happen_and_at_3x_peak_always():
    counts = {level: observe("oom_kills", level, oom_at=60.0) for level in ("normal", "peak", "3x-peak", "recovery")}
    assert {level: fact.count for level, fact in counts.items()} == {
        "normal": 0,
        "peak": 1,
        "3x-peak": 1,
        "recovery": 0,
    }


def test_crashes_name_the_server():
    assert observe("server_crashes", "peak", crash_at=70.0) == Fact(1, "died: gunicorn at 70 s")
    assert observe("server_crashes", "normal", crash_at=70.0) == Fact(0, "no server died")
    assert isinstance(observe("server_crashes", stack="external"), Unobserved)


def test_lost_writes_count_where_they_were_acknowledged_and_at_3x_peak_always():
    counts = {level: observe("lost_writes", level, lost=2) for level in ("normal", "peak", "3x-peak")}
    assert {level: fact.count for level, fact in counts.items()} == {"normal": 0, "peak": 0, "3x-peak": 2}


def test_a_lost_write_of_unknown_time_counts_everywhere():
    evidence = make_evidence(lost=1)
    reconciliation = replace(evidence.reconciliation, missing=("nobody-knows",))
    found = observe("lost_writes", "normal", evidence=replace(evidence, reconciliation=reconciliation))
    assert found.count == 1


def test_writes_that_were_not_compared_prove_nothing():
    assert isinstance(observe("lost_writes", reconciled=False), Unobserved)
    evidence = make_evidence()
    short = replace(evidence.reconciliation, acknowledged=10)
    assert isinstance(observe("lost_writes", evidence=replace(evidence, reconciliation=short)), Unobserved)


def test_jobs_that_were_not_seen_to_finish_are_bad():
    seen = observe("jobs_finished_ratio", unfinished_jobs={"peak": 1})
    assert isinstance(seen, Shares)
    assert (sum(bad for bad, _ in seen.batches), sum(n for _, n in seen.batches)) == (1, 3)


def test_a_job_that_the_client_saw_finish_is_finished():
    evidence = make_evidence(unfinished_jobs={"peak": 1})
    seen = JobEvent(START + 70, "job-peak-0", "seen", {"status": "finished"})
    shares = observe("jobs_finished_ratio", evidence=replace(evidence, jobs=(*evidence.jobs, seen)))
    assert sum(bad for bad, _ in shares.batches) == 0
    failed = replace(seen, detail={"status": "failed"})
    shares = observe("jobs_finished_ratio", evidence=replace(evidence, jobs=(*evidence.jobs, failed)))
    assert sum(bad for bad, _ in shares.batches) == 1


@pytest.mark.parametrize(("bad", "seconds"), [(0, 0), (6, 6), (20, 20), (200, None)])
def test_the_way_back(bad, seconds):
    seen = observe("recovery_seconds", "3x-peak", recovers_after=bad)
    assert isinstance(seen, Comeback)
    assert seen.recovery.seconds == seconds
    assert seen.allowed == pytest.approx(0.05)
    assert "10 good seconds" in seen.rule


def test_the_way_back_needs_thirty_good_seconds_in_a_longer_run():
    seen = observe("recovery_seconds", "3x-peak", profile="standard")
    assert isinstance(seen, Comeback)
    assert "30 good seconds" in seen.rule


def test_the_way_back_needs_a_bound_to_come_back_to():
    evidence = make_evidence(slos=())
    assert isinstance(observe("recovery_seconds", "3x-peak", evidence=evidence), Unobserved)


def test_a_watch_that_is_too_short_for_the_way_back():
    evidence = make_evidence(stop_at=137.0, stop_reason="interrupted: Ctrl-C")
    assert isinstance(observe("recovery_seconds", "3x-peak", evidence=evidence), Unobserved)


def test_a_row_speaks_until_its_samplers_next_one():
    evidence = make_evidence()
    sparse = tuple(
        replace(sample, period_seconds=10.0)
        for sample in evidence.servers
        if sample.source != "storage" or int(sample.monotonic_seconds) % 10 == 0
    )
    seen = observe("stack_disk_ratio", evidence=replace(evidence, servers=sparse))
    assert isinstance(seen, Gauge)
    assert (seen.gap_ratio, seen.samples) == (0, 30)


def test_a_probe_that_was_not_even_sent_is_bad():
    evidence = make_evidence()
    jobs = tuple(job for job in evidence.jobs if job.id != "job-peak-1")
    seen = observe("jobs_finished_ratio", evidence=replace(evidence, jobs=jobs))
    assert seen == Shares(((1, 3),), "uploads")


def test_a_late_upload_belongs_to_the_level_that_it_was_meant_for():
    evidence = make_evidence()
    late = tuple(
        replace(job, monotonic_seconds=job.monotonic_seconds + 60) if job.id == "job-normal-0" else job
        for job in evidence.jobs
    )
    seen = observe("jobs_finished_ratio", "normal", evidence=replace(evidence, jobs=late))
    assert seen == Shares(((0, 3),), "uploads")


def test_writes_of_two_kinds_may_share_an_id():
    evidence = make_evidence()
    reconciliation = replace(evidence.reconciliation, missing=("lesson write-60",))
    evidence = replace(evidence, reconciliation=reconciliation)
    assert observe("lost_writes", "peak", evidence=evidence).count == 1
    assert observe("lost_writes", "normal", evidence=evidence).count == 0


def test_a_lost_write_is_a_fact_however_many_others_were_not_compared():
    evidence = make_evidence(lost=1)
    half = replace(evidence, reconciliation=replace(evidence.reconciliation, acknowledged=10))
    assert observe("lost_writes", "3x-peak", evidence=half).count == 1


def test_without_any_acknowledged_write_none_is_proven_to_be_kept():
    evidence = replace(make_evidence(), acknowledged=())
    assert isinstance(observe("lost_writes", evidence=evidence), Unobserved)


@pytest.mark.parametrize(
    ("level", "start", "end"), [("peak", 60, 999), ("peak", -9, 60), ("3x-peak", -9, 130), ("3x-peak", 20, 999)]
)
def test_kills_are_not_ruled_out_by_a_sampler_that_saw_only_a_part(level, start, end):
    evidence = make_evidence()
    part = tuple(s for s in evidence.servers if START + start <= s.monotonic_seconds < START + end)
    seen = observe("oom_kills", level, evidence=replace(evidence, servers=part))
    assert isinstance(seen, Unobserved)
    assert "only counted from" in seen.reason


def test_a_gap_in_the_middle_hides_no_kill():
    evidence = make_evidence(oom_at=70.0)
    part = tuple(s for s in evidence.servers if not START + 60 <= s.monotonic_seconds < START + 80)
    assert observe("oom_kills", "peak", evidence=replace(evidence, servers=part)) == Fact(
        1, "1 process was killed for want of memory"
    )


def test_jobs_that_a_cut_run_did_not_wait_for_are_neither_good_nor_bad():
    cut = make_evidence(stop_at=66.0)  # the last of the peak's three uploads was sent at 65 s
    assert observe("jobs_finished_ratio", evidence=cut) == Shares(((0, 2),), "uploads", 1)
    waited = observe("jobs_finished_ratio", "normal", unfinished_jobs={"normal": 1}, stop_at=170.0)
    assert waited == Shares(((1, 3),), "uploads")


def test_a_way_back_that_nobody_saw():
    evidence = replace(make_evidence(), requests=())
    assert isinstance(observe("recovery_seconds", "3x-peak", evidence=evidence), Unobserved)


def test_a_write_acknowledged_after_the_plans_end_is_lost_in_the_last_level_only():
    evidence = make_evidence()
    late = AcknowledgedWrite(START + evidence.plan.duration_seconds + 1, "late", "lesson")
    found = replace(evidence.reconciliation, acknowledged=999, missing=("lesson late",))
    evidence = replace(evidence, acknowledged=(*evidence.acknowledged, late), reconciliation=found)
    counts = [observe("lost_writes", level.name.value, evidence=evidence).count for level in evidence.plan.levels]
    assert counts == [0, 0, 1, 1]


def test_an_error_rate_is_what_the_success_rate_lacks():
    seen, good = (
        observe("request_error_ratio", errors={"peak": 0.05}),
        observe("request_success_ratio", errors={"peak": 0.05}),
    )
    assert seen == good and sli("request_error_ratio").counts_bad and not sli("request_success_ratio").counts_bad


def test_sockets_against_what_the_stage_is_said_to_carry():
    evidence = make_evidence()
    assert isinstance(observe("websocket_connections_ratio", evidence=evidence), Unobserved)
    stage = evidence.subject.stage
    capacity = replace(stage.figure("concurrent_users"), name="websocket_capacity", value=990)
    stage = replace(stage, load=(*stage.load, capacity))
    seen = observe(
        "websocket_connections_ratio", evidence=replace(evidence, subject=replace(evidence.subject, stage=stage))
    )
    assert isinstance(seen, Gauge)
    assert seen.maximum == pytest.approx(0.5)
