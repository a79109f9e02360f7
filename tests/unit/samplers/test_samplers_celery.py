from __future__ import annotations

import json

import pytest

from harness.samplers.celery import CeleryRaw, CelerySampler, QueueRaw, from_targets
from harness.samplers.targets import Targets

SAMPLER = CelerySampler("redis://127.0.0.1:1/0", ("default", "heavy"))


def message(enqueued_at: float | None) -> bytes:
    """As kombu writes it: a body in base64, Celery's headers and the application's one beside them."""
    headers: dict[str, object] = {"lang": "py", "task": "refapp.tasks.transcode", "id": "b0d1", "retries": 0}
    if enqueued_at is not None:
        headers["enqueued_at"] = enqueued_at
    return json.dumps({"body": "W1tdLCB7fV0=", "content-encoding": "utf-8", "headers": headers}).encode()


def taken(queue: str) -> bytes:
    """As kombu keeps a message that a worker has taken: itself, its exchange, its routing key."""
    return json.dumps([{"body": ""}, queue, queue]).encode()


TWO = (taken("default"), b"not json")


def values(queue: QueueRaw, wall_seconds: float = 1000.0) -> dict[str, float]:
    return dict(SAMPLER.parse(CeleryRaw({"default": queue}, TWO, wall_seconds), None, 0.0))


def test_depth_counts_every_priority() -> None:
    raw = QueueRaw((3, 0, 2, 1), (message(990.0), message(980.0), message(999.0)))
    assert values(raw) == {
        "unacknowledged": 2,
        "unacknowledged.default": 1,
        "depth.default": 6,
        "oldest_age_seconds.default": 20.0,
    }


def test_nobody_waits_on_an_empty_queue() -> None:
    assert values(QueueRaw((0, 0, 0, 0), ())) == {
        "unacknowledged": 2,
        "unacknowledged.default": 1,
        "depth.default": 0,
        "oldest_age_seconds.default": 0.0,
    }


@pytest.mark.parametrize("unknown", [message(None), b"not json", b"[]", json.dumps({"headers": None}).encode()])
def test_a_message_that_does_not_say_since_when_leaves_the_age_out(unknown: bytes) -> None:
    assert set(values(QueueRaw((1, 1, 0, 0), (message(990.0), unknown)))) == {
        "unacknowledged",
        "unacknowledged.default",
        "depth.default",
    }


def test_an_age_is_never_negative() -> None:
    assert values(QueueRaw((1, 0, 0, 0), (message(1000.5),)))["oldest_age_seconds.default"] == 0.0


def test_busy_slots_are_a_share_of_those_that_are_known() -> None:
    sampler = CelerySampler("redis://127.0.0.1:1/0", ("default", "heavy"), {"heavy": 2, "default": 0})
    queues = {"default": QueueRaw((0,), ()), "heavy": QueueRaw((0,), ())}
    parsed = sampler.parse(CeleryRaw(queues, (taken("heavy"), taken("default")), 1000.0), None, 0.0)
    assert parsed["busy_ratio.heavy"] == 0.5
    assert "busy_ratio.default" not in parsed


def test_each_queue_has_its_own_keys() -> None:
    raw = CeleryRaw({"default": QueueRaw((0,), ()), "heavy": QueueRaw((4,), (message(900.0),))}, (), 1000.0)
    parsed = SAMPLER.parse(raw, None, 0.0)
    assert (parsed["depth.default"], parsed["depth.heavy"]) == (0, 4)
    assert parsed["oldest_age_seconds.heavy"] == 100.0


def test_made_when_there_is_a_broker_with_queues() -> None:
    assert from_targets(Targets()) is None
    assert from_targets(Targets(celery_broker_url="redis://127.0.0.1:1/0")) is None
    assert from_targets(Targets(celery_broker_url="redis://127.0.0.1:1/0", celery_queues=("default",))) is not None


class FakeBroker:
    """Answers HVALS, LLEN and LINDEX from lists."""

    def __init__(self, lists: dict[str, list[bytes]]) -> None:
        self.lists = lists
        self.asked: list[tuple[str, ...]] = []

    def replies(self, *commands: tuple[str, ...]) -> list[object]:
        self.asked += commands
        return [self._reply(*command) for command in commands]

    def _reply(self, name: str, key: str, *rest: str) -> object:
        if name == "HVALS":
            return [taken("heavy")]
        messages = self.lists.get(key, [])
        return len(messages) if name == "LLEN" else messages[-1] if messages else None


def test_only_lists_with_something_in_them_are_asked_for_their_oldest() -> None:
    sampler = CelerySampler("redis://127.0.0.1:1/0", ("default", "heavy"), wall_clock=lambda: 1000.0)
    broker = FakeBroker({"default": [message(999.0)], "heavy\x06\x163": [message(950.0), message(940.0)]})
    sampler._connection = broker  # type: ignore[assignment]
    raw = sampler.fetch()
    assert raw == CeleryRaw(
        {
            "default": QueueRaw((1, 0, 0, 0), (message(999.0),)),
            "heavy": QueueRaw((0, 2, 0, 0), (message(940.0),)),
        },
        [taken("heavy")],
        1000.0,
    )
    assert [command for command in broker.asked if command[0] == "LINDEX"] == [
        ("LINDEX", "default", "-1"),
        ("LINDEX", "heavy\x06\x163", "-1"),
    ]
    assert dict(sampler.parse(raw, None, 0.0)) == {
        "unacknowledged": 1,
        "unacknowledged.default": 0,
        "unacknowledged.heavy": 1,
        "depth.default": 1,
        "oldest_age_seconds.default": 1.0,
        "depth.heavy": 2,
        "oldest_age_seconds.heavy": 60.0,
    }


def test_a_list_emptied_between_the_two_questions_has_nobody_waiting() -> None:
    class Emptied(FakeBroker):
        def _reply(self, name: str, key: str, *rest: str) -> object:
            return None if name == "LINDEX" else super()._reply(name, key, *rest)

    sampler = CelerySampler("redis://127.0.0.1:1/0", ("default",), wall_clock=lambda: 1000.0)
    sampler._connection = Emptied({"default": [message(1.0)]})  # type: ignore[assignment]
    assert sampler.parse(sampler.fetch(), None, 0.0)["oldest_age_seconds.default"] == 0.0
