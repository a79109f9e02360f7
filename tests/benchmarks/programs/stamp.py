"""``stamp.py PORT``: tells in each answer when it had the request and when it let the answer go.

Both in nanoseconds of CLOCK_MONOTONIC, the clock of its clients too: its own log, request by request, handed to whoever
has to be checked against it. A plain event loop, so that one core serves more than half of any generator's top rate.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from typing import Any

_clock = time.monotonic_ns


def main(port: int) -> None:
    """Serve until killed."""
    selector = selectors.EpollSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    served = 0
    while True:
        ready = selector.select()
        # When it was there: a request that waits until those before it in the batch are served waits in the server.
        received = _clock()
        for key, _ in ready:
            sock: Any = key.fileobj
            if sock is listener:
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(accepted, selectors.EVENT_READ)
                continue
            try:
                request = sock.recv(65536)
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
