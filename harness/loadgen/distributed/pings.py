"""Questions to one worker for the time on its clock, by the messages that carry everything else."""

from __future__ import annotations

import time
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust.runners import MasterRunner

from harness.loadgen.distributed.clocks import Exchange, Offset, offset_of
from harness.loadgen.distributed.messages import PING

EXCHANGES = 16
"""The one of them that nothing held up is the one that counts."""

LEAST = 4
"""Fewer answers are none."""

_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 0.5


class Pings:
    """Of one worker. longest_seconds: the longest round trip that was seen."""

    def __init__(self, runner: MasterRunner, client: str) -> None:
        self._runner = runner
        self._client = client
        self._asked = 0
        self._answer: AsyncResult[tuple[float, dict[str, Any]]] = AsyncResult()
        self.longest_seconds = 0.0

    def measure(self, within_seconds: float) -> Offset | None:
        """Ask, several times, for no longer than that once there are enough answers. None when it hardly answers."""
        exchanges: list[Exchange] = []
        deadline = time.monotonic() + within_seconds
        for asked in range(EXCHANGES):
            if len(exchanges) >= LEAST and time.monotonic() > deadline:
                break
            if exchange := self._ask():
                exchanges.append(exchange)
                self.longest_seconds = max(self.longest_seconds, exchange.round_trip_seconds)
            elif not exchanges and asked + 1 >= LEAST:
                break  # it is gone: nothing is gained by asking on
            gevent.sleep(_PAUSE_SECONDS)
        return offset_of(exchanges) if len(exchanges) >= LEAST else None

    def _ask(self) -> Exchange | None:
        self._asked += 1
        self._answer = AsyncResult()
        sent = time.monotonic()
        self._runner.send_message(PING, {"number": self._asked}, self._client)
        try:
            heard, data = self._answer.get(timeout=_PATIENCE_SECONDS)
        except gevent.Timeout:
            return None
        return Exchange(sent, float(data["received"]), float(data["answered"]), heard)

    def heard(self, at: float, data: dict[str, Any]) -> None:
        """An answer came. One to an earlier question comes too late."""
        if data["number"] == self._asked:
            self._answer.set((at, data))
