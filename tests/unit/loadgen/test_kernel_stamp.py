"""When bytes had come."""

from __future__ import annotations

import struct
import time

from harness.loadgen.http_client.kernel_stamp import came_at


def test_a_stamp_is_believed_within_what_is_known_besides():
    now, today = time.monotonic_ns(), time.time_ns()
    second = 1_000_000_000

    def stamp(age_ns):
        return [(1, 35, struct.pack("ll", *divmod(today - age_ns, second)))]

    slack = 50_000_000  # of this test's own way from one clock to the other
    assert abs(came_at(stamp(2 * second), now - 5 * second, now) - (now - 2 * second)) < slack
    assert came_at([], now - 5 * second, now) == now, "no stamp"
    assert came_at(stamp(9 * second), now - 5 * second, now) == now, "before the last round: the time of day was set"
    assert came_at(stamp(-3600 * second), now - 5 * second, now) == now, "in the future"
    assert came_at([(1, 99, b"")], now - 5 * second, now) == now, "something else"
