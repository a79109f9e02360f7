"""Celery: how many tasks wait on each queue and since when, from the keys that kombu keeps in Redis.

Kombu pushes at the left and pops at the right, a list for each priority, so the oldest task is the last element of one
of them. Messages carry no time of their own: the application adds ``enqueued_at`` (seconds since the epoch) to the
headers. Tasks that a worker has taken but not acknowledged are in the hash ``unacked``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.samplers.base import known, share
from harness.samplers.connection import RedisConnection
from harness.samplers.targets import Targets

_PRIORITY_SUFFIXES = ("", "\x06\x163", "\x06\x166", "\x06\x169")
"""What kombu appends to a queue's name for each of its priority steps."""
_UNACKNOWLEDGED_KEY = "unacked"


@dataclass(frozen=True, slots=True)
class QueueRaw:
    """One queue: the length of its list for each priority, and the oldest message of each list that has one."""

    lengths: tuple[int, ...]
    oldest: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CeleryRaw:
    """All queues by name, the unacknowledged messages as kombu keeps them, and the wall clock at that time."""

    queues: Mapping[str, QueueRaw]
    unacknowledged: Sequence[bytes]
    wall_seconds: float


class CelerySampler:
    """Samples the queues of one Redis broker."""

    source = "celery"
    period_seconds = 1.0

    def __init__(
        self,
        url: str,
        queues: Sequence[str],
        slots: Mapping[str, int] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = RedisConnection(url)
        self._queues = tuple(queues)
        self._slots = dict(slots or {})
        self._wall_clock = wall_clock

    def fetch(self) -> CeleryRaw:
        """Ask for the lengths, then for the oldest message of each list that is not empty: mostly of none."""
        keys = [(queue, queue + suffix) for queue in self._queues for suffix in _PRIORITY_SUFFIXES]
        unacknowledged, *lengths = self._connection.replies(
            ("HVALS", _UNACKNOWLEDGED_KEY), *(("LLEN", key) for _, key in keys)
        )
        filled = [queue_and_key for queue_and_key, length in zip(keys, lengths, strict=True) if length]
        messages = self._connection.replies(*(("LINDEX", key, "-1") for _, key in filled))
        wall_seconds = self._wall_clock()
        return CeleryRaw(
            {
                name: QueueRaw(
                    tuple(length for (queue, _), length in zip(keys, lengths, strict=True) if queue == name),
                    # A list may have been emptied since its length was asked.
                    tuple(
                        message
                        for (queue, _), message in zip(filled, messages, strict=True)
                        if queue == name and message
                    ),
                )
                for name in self._queues
            },
            unacknowledged,
            wall_seconds,
        )

    def parse(self, raw: CeleryRaw, previous: CeleryRaw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """Depth and age of each queue; nobody waits on an empty queue, so its age is 0 s."""
        values: dict[str, float | None] = {"unacknowledged": len(raw.unacknowledged)}
        taken = [_queue_of(message) for message in raw.unacknowledged]
        for name, queue in raw.queues.items():
            values[f"depth.{name}"] = sum(queue.lengths)
            values[f"unacknowledged.{name}"] = taken.count(name)
            # A task that was acknowledged when it began is not seen, so this is how busy it is at least.
            values[f"busy_ratio.{name}"] = share(taken.count(name), self._slots.get(name))
            values[f"oldest_age_seconds.{name}"] = _oldest_age_seconds(queue, raw.wall_seconds)
        return known(values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def from_targets(targets: Targets) -> CelerySampler | None:
    """Made when there is a broker with queues."""
    if targets.celery_broker_url is None or not targets.celery_queues:
        return None
    return CelerySampler(targets.celery_broker_url, targets.celery_queues, targets.celery_slots)


def _oldest_age_seconds(queue: QueueRaw, wall_seconds: float) -> float | None:
    """None when a message that waits does not say since when."""
    if not queue.oldest:
        return 0.0
    since = [_enqueued_at(message) for message in queue.oldest]
    known_since = [seconds for seconds in since if seconds is not None]
    return max(0.0, wall_seconds - min(known_since)) if len(known_since) == len(since) else None


def _queue_of(message: bytes) -> str | None:
    """Of an unacknowledged message, kept as [message, exchange, routing key]: a queue's routing key is its name."""
    try:
        return str(json.loads(message)[2])
    except (ValueError, IndexError, TypeError, KeyError):
        return None


def _enqueued_at(message: bytes) -> float | None:
    try:
        return float(json.loads(message)["headers"]["enqueued_at"])
    except (ValueError, KeyError, TypeError):
        return None
