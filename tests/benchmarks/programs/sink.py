"""``sink.py PORT``: swallows uploads as fast as one core can, and counts their bytes.

Reads every body to its end before it answers, as an application would have to. A plain event loop: a web framework
would be slower than the generators that are measured on it.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
from typing import Any

_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_buffer = memoryview(bytearray(1 << 20))


class _Connection:
    """left: bytes of a body still to come; -1 while a head is read. chunk: what a chunked body still has of one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.head = b""
        self.left = -1
        self.chunked = False


class _Sink:
    def __init__(self) -> None:
        self.swallowed = 0

    def read(self, connection: _Connection) -> bool:
        """Whether the connection lives on."""
        try:
            size = connection.sock.recv_into(_buffer)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not size:
            return False
        if connection.left > 0:
            connection.left -= size
            self.swallowed += size
        else:
            connection.head += bytes(_buffer[:size])
            self._begin(connection)
        if connection.left == 0:
            connection.left = -1
            connection.sock.sendall(_ANSWER)
        return True

    def _begin(self, connection: _Connection) -> None:
        if connection.chunked:
            self.swallowed += len(connection.head)
            ended = connection.head.endswith(b"0\r\n\r\n")
            connection.head = connection.head[-8:] if not ended else b""
            if ended:
                connection.chunked, connection.left = False, 0
            return
        head, mark, rest = connection.head.partition(b"\r\n\r\n")
        if not mark:
            return
        connection.head = b""
        if head.startswith(b"GET /counted"):
            body = b"%d" % self.swallowed
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        if b"100-continue" in head.lower():
            connection.sock.sendall(_CONTINUE)
        if b"chunked" in head.lower():
            connection.chunked, connection.head = True, rest
            return
        length = _LENGTH.search(head)
        connection.left = int(length[1]) - len(rest) if length else 0
        self.swallowed += len(rest)


def main(port: int) -> None:
    """Serve until killed."""
    selector = selectors.EpollSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    sink = _Sink()
    while True:
        for key, _ in selector.select():
            connection: Any = key.data
            if connection is None:
                sock, _ = listener.accept()
                selector.register(sock, selectors.EVENT_READ, _Connection(sock))
            elif not sink.read(connection):
                selector.unregister(connection.sock)
                connection.sock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
