"""How the users are divided among the flows."""

from __future__ import annotations

from dataclasses import replace

from harness.loadgen.sizes import arrives, pool_sizes
from harness.model.plan import Held, Segment, Stream
from tests.loadgen.conftest import make_plan


def test_http_flows_share_what_may_be_in_flight_by_their_sessions_under_way():
    sizes = pool_sizes(make_plan(teachers=1.0, students=4.0, think=(1.0, 1.0), max_in_flight=100))
    # Teachers stay 7 × 0.2 + 6 × 1 = 7.4 s, students 6 × 0.2 + 5 × 1 = 6.2 s: 7.4 to 24.8 under way.
    assert (sizes["teachers"], sizes["students"]) == (23, 77)


def test_every_flow_gets_some_users():
    sizes = pool_sizes(make_plan(teachers=0.0, students=0.0))
    assert all(size >= 4 for size in sizes.values())
    assert pool_sizes(make_plan(teachers=0.001, students=50.0))["teachers"] == 4


def test_each_socket_has_a_user_and_some_are_spare():
    assert pool_sizes(make_plan(sockets=500))["classroom"] == 550


def test_uploads_under_way_are_those_that_wait_for_their_jobs():
    plan = make_plan(probes=(1.0, 2.0, 3.0), job_timeout=20.0)
    assert pool_sizes(plan)["uploads"] == 4
    busy = replace(plan, streams=(Stream("uploads", (Segment(0, 600, 0.5, 0.5),)),), max_in_flight=1000)
    assert pool_sizes(busy)["uploads"] == 11  # 0.5/s × 20 s, and one to spare
    few = replace(plan, streams=(Stream("uploads", (Segment(0, 600, 0.01, 0.01),)),), job_timeout_seconds=5000)
    assert pool_sizes(few)["uploads"] == 7  # six in all, and one to spare


def test_a_plan_without_sockets_or_uploads():
    plan = replace(make_plan(), held=Held(()), streams=())
    assert pool_sizes(plan)["classroom"] == 4
    assert not any(arrives(plan, flow) for flow in plan.flows)
    assert [flow.name for flow in plan.flows if arrives(make_plan(probes=(1.0,)), flow)] == [
        "teachers",
        "students",
        "uploads",
    ]
