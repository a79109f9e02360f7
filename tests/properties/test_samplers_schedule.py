from __future__ import annotations

import math
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from harness.model.samples import ServerSample
from harness.samplers.runner import SamplerLoop


class Slow:
    """A server that takes its time, or fails, as the example says; on a clock that only it and waiting move."""

    source = "slow"
    period_seconds = 1.0

    def __init__(self, start: float, end: float, fetches: list[tuple[float, bool]]) -> None:
        self.now = start
        self.end = end
        self.fetches = iter(fetches)
        self.under_way = 0

    def wait(self, seconds: float) -> bool:
        self.now = min(self.now + seconds, self.end)
        return self.now >= self.end

    def fetch(self) -> float:
        took, fails = next(self.fetches, (0.0, False))
        self.now += took
        if fails:
            raise OSError("down")
        return self.now

    def parse(self, raw: float, previous: float | None, elapsed_seconds: float) -> Mapping[str, float]:
        assert elapsed_seconds >= 0
        return {"raw": raw}

    def close(self) -> None:
        """Nothing to let go of."""


@given(
    start=st.floats(0, 1000),
    offset=st.sampled_from([0.0, 0.02, 0.18]),
    fetches=st.lists(st.tuples(st.floats(0, 6), st.booleans()), max_size=12),
)
def test_every_second_has_exactly_one_row_however_slow_the_server_is(
    start: float, offset: float, fetches: list[tuple[float, bool]]
) -> None:
    rows: list[ServerSample] = []
    server = Slow(start, start + 30, fetches)
    SamplerLoop(
        server,
        rows.append,
        offset_seconds=offset,
        clock=lambda: server.now,
        wait=server.wait,
        cpu_clock=lambda: 0.0,
    ).run()
    seconds = [math.floor(row.monotonic_seconds) for row in rows]
    assert seconds == list(range(math.floor(start) + 1, math.floor(start) + 1 + len(rows)))
    assert all(bool(row.gap) != bool(row.values) for row in rows)
    assert len(rows) >= 28
