"""When bytes had come by the kernel's own clock, for whoever may be late to read them (docs/adr/0013)."""

from __future__ import annotations

import _socket
import time
from collections.abc import Sequence
from struct import Struct

STALE_NS = 1_000_000
"""What is read may be as old as this before the kernel is asked when it came: asking costs half a microsecond."""

TIMESTAMPNS = 35  # asm-generic/socket.h: SO_TIMESTAMPNS and SCM_TIMESTAMPNS; the socket module has no name for it
_TIMESPEC = Struct("ll")
ROOM_FOR_STAMP = _socket.CMSG_SPACE(_TIMESPEC.size)
"""Bytes that ``recvmsg_into`` needs beside what it reads."""


def came_at(extra: Sequence[tuple[int, int, bytes]], after: int, read_at: int) -> int:
    """When bytes that were read had come, in nanoseconds of CLOCK_MONOTONIC. extra: what the kernel said beside them;
    read_at: when they were read, which is the answer without a stamp that can be believed.

    Its stamp is of the time of day, which somebody may set meanwhile; so it is believed within what is known besides:
    after ``after`` (but for what may count as fresh), and not in the future.
    """
    for _, kind, data in extra:
        if kind == TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            age = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
            came: int = time.monotonic_ns() - age
            if after - STALE_NS <= came and age >= 0:
                return came
    return read_at
