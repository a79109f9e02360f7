"""Whatever the plan and however many workers: what they offer together is what one would have offered alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.loadgen.sizes import pool_sizes
from harness.model.plan import Arrivals, Held, LoadPlan, Segment, Stream
from harness.model.target import FlowKind
from harness.planning.schedule import WHOLE, Shard, held_at, held_changes, most_seats, schedule, seat_changes
from tests.loadgen.conftest import make_plan


@st.composite
def curves(draw: st.DrawFn) -> Held:
    times = sorted(draw(st.lists(st.integers(0, 40), max_size=5)))
    return Held(tuple((float(seconds), draw(st.integers(0, 60))) for seconds in times))


@st.composite
def plans(draw: st.DrawFn) -> LoadPlan:
    def stream(flow: str) -> Stream:
        rates = draw(st.lists(st.floats(0, 8), min_size=2, max_size=4))
        segments = tuple(
            Segment(10.0 * at, 10.0 * at + 10, before, after) for at, (before, after) in enumerate(pairwise(rates))
        )
        return Stream(flow, segments, tuple(draw(st.lists(st.floats(0, 40), max_size=5))))

    return replace(
        make_plan(),
        seed=draw(st.integers(0, 2**32)),
        arrivals=draw(st.sampled_from(Arrivals)),
        streams=tuple(stream(flow) for flow in ("teachers", "students", "classroom", "uploads")),
        held=draw(curves()),
        room_size=draw(st.integers(1, 12)),
        max_in_flight=draw(st.integers(4, 500)),
    )


def shards(workers: int) -> list[Shard]:
    return [Shard(worker, workers) for worker in range(workers)]


@settings(deadline=None, max_examples=60)
@given(plans(), st.integers(1, 9))
def test_the_shards_of_a_schedule_are_the_whole(plan: LoadPlan, workers: int) -> None:
    parts = [list(schedule(plan, shard)) for shard in shards(workers)]
    for part in parts:
        assert [arrival.seconds for arrival in part] == sorted(arrival.seconds for arrival in part)
    assert Counter(arrival for part in parts for arrival in part) == Counter(schedule(plan))


@settings(deadline=None, max_examples=60)
@given(plans(), st.integers(1, 9))
def test_no_worker_carries_more_than_its_part_of_the_sessions(plan: LoadPlan, workers: int) -> None:
    whole = Counter(a.flow for a in schedule(plan) if not a.probe)
    for shard in shards(workers):
        part = Counter(a.flow for a in schedule(plan, shard) if not a.probe)
        for flow in ("teachers", "students", "uploads"):
            assert part[flow] == shard.share(whole[flow])


@settings(deadline=None, max_examples=60)
@given(plans(), st.integers(1, 9))
def test_messages_go_to_the_worker_that_holds_their_room(plan: LoadPlan, workers: int) -> None:
    for shard in shards(workers):
        seats: set[int] = {change.room for change in seat_changes(plan.held, plan.room_size, shard)}
        for arrival in schedule(plan, shard):
            if arrival.flow == "classroom" and held_at(plan.held, arrival.seconds):
                assert shard.takes(arrival.room) and arrival.room in seats


@settings(deadline=None, max_examples=60)
@given(curves(), st.integers(1, 12), st.integers(1, 9))
def test_the_sockets_of_all_workers_follow_the_curve(held: Held, room_size: int, workers: int) -> None:
    whole = list(seat_changes(held, room_size))
    assert [(change.seconds, 1 if change.opens else -1) for change in whole] == list(held_changes(held))
    parts = [list(seat_changes(held, room_size, shard)) for shard in shards(workers)]
    assert Counter(change for part in parts for change in part) == Counter(whole)
    rooms = [{change.room for change in part} for part in parts]
    assert sum(map(len, rooms)) == len(set().union(*rooms))
    for shard, part in zip(shards(workers), parts, strict=True):
        held_now: list[int] = []
        most = 0
        for change in part:
            if change.opens:
                held_now.append(change.index)
                most = max(most, len(held_now))
            else:
                assert held_now.pop() == change.index  # as the worker closes them: whoever came last
        assert most <= most_seats(held, room_size, shard)
    assert sum(most_seats(held, room_size, shard) for shard in shards(workers)) == most_seats(held, room_size, WHOLE)


@settings(deadline=None, max_examples=60)
@given(curves(), st.floats(0, 50))
def test_held_at_counts_the_changes_so_far(held: Held, seconds: float) -> None:
    near = min((abs(at - seconds) for at, _ in held_changes(held)), default=1.0)
    if near > 1e-6:  # at the very moment of a change either count is right
        assert held_at(held, seconds) == sum(change for at, change in held_changes(held) if at <= seconds)


@settings(deadline=None, max_examples=60)
@given(plans(), st.integers(1, 9))
def test_the_users_of_all_workers_are_those_of_one(plan: LoadPlan, workers: int) -> None:
    whole = pool_sizes(plan)
    parts = [pool_sizes(plan, shard) for shard in shards(workers)]
    for flow in plan.flows:
        together = sum(part[flow.name] for part in parts)
        assert all(part[flow.name] >= 1 for part in parts)
        spare = workers * 4 if flow.kind is FlowKind.SOCKETIO else workers
        assert whole[flow.name] - (whole[flow.name] // 10 if flow.kind is FlowKind.SOCKETIO else 0) <= together
        assert together <= whole[flow.name] + spare
