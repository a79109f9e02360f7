"""``stamp.py PORT``: tells in each answer when it had the request and when it let the answer go.

Both in nanoseconds of CLOCK_MONOTONIC, the clock of its clients too: its own log, request by request, handed to whoever
has to be checked against it. A plain event loop, so that one core serves more than half of any generator's top rate.

It had the request when its kernel had: the packet's own time stamp (SO_TIMESTAMPNS; Linux gives it for TCP, too). What
a request then waits because this loop is busy, or has no core, is time that the server took, and no client's error.
"""

from __future__ import annotations

import gc
import selectors
import socket
import struct
import sys
import time
from typing import Any

_clock = time.monotonic_ns
_TIMESTAMPNS = 35  # asm-generic/socket.h: SO_TIMESTAMPNS and SCM_TIMESTAMPNS; the socket module has no name for it
_TIMESPEC = struct.Struct("ll")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size)


def monotonic_offset() -> int:
    """CLOCK_MONOTONIC − CLOCK_REALTIME, in which the kernel stamps: the narrowest of some readings."""
    best, offset = 1 << 62, 0
    for _ in range(20):
        before, real, after = _clock(), time.time_ns(), _clock()
        if after - before < best:
            best, offset = after - before, (before + after) // 2 - real
    return offset


def read(sock: socket.socket, offset: int, seen: int) -> tuple[bytes, int]:
    """A request and when the kernel had it; ``seen`` while the kernel has not begun to stamp. Raises OSError."""
    data, extra, _, _ = sock.recvmsg(65536, _ROOM)
    if not data:
        return b"", 0
    stamps = [stamp for _, kind, stamp in extra if kind == _TIMESTAMPNS]
    if not stamps:
        return data, seen
    seconds, nanoseconds = _TIMESPEC.unpack(stamps[0])
    return data, seconds * 1_000_000_000 + nanoseconds + offset


def main(port: int) -> None:
    """Serve until killed."""
    gc.disable()  # nothing here refers to itself
    selector = selectors.EpollSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)  # those that it accepts inherit it
    selector.register(listener, selectors.EVENT_READ)
    served = 0
    offset, looked = monotonic_offset(), _clock()
    while True:
        ready = selector.select()
        seen = _clock()
        if seen - looked > 1_000_000_000:  # the time of day may have been set
            offset, looked = monotonic_offset(), seen
        for key, _ in ready:
            sock: Any = key.fileobj
            if sock is listener:
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(accepted, selectors.EVENT_READ)
                continue
            try:
                request, received = read(sock, offset, seen)
            except OSError:
                request = b""
            if not request:
                selector.unregister(sock)
                sock.close()
                continue
            if request.startswith(b"GET /counted"):
                body = b"%d" % served
            else:
                served += 1
                body = b'{"received": %d, "sent": %d}' % (received, _clock())
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            sock.send(head + body)


if __name__ == "__main__":
    main(int(sys.argv[1]))
