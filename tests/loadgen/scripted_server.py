"""A server on loopback that does to each connection what a test says, in a thread; plain or TLS, IPv4 or IPv6."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

Script = Callable[[Any], None]


class Server:
    """script: called with each accepted connection, which is closed after it. connections: how many there were."""

    def __init__(self, script: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Any) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self.script(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@contextlib.contextmanager
def serving(script: Script, **options: Any) -> Iterator[Server]:
    server = Server(script, **options)
    try:
        yield server
    finally:
        server.close()


def read_head(connection: Any) -> tuple[str, dict[str, str], bytes]:
    """Request line, header fields, and what has come of the body; an empty line at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return "", {}, b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return line, {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}, rest


def read_request(connection: Any) -> tuple[str, dict[str, str], bytes]:
    """The same with the whole body."""
    line, fields, body = read_head(connection)
    if fields.get("transfer-encoding") == "chunked":
        file, whole = _Rest(connection, body), b""
        while size := int(file.line(), 16):
            whole += file.take(size)
            file.line()
        file.line()
        return line, fields, whole
    length = int(fields.get("content-length", "0"))
    while len(body) < length:
        more = connection.recv(1 << 20)
        if not more:
            break
        body += more
    return line, fields, body


class _Rest:
    def __init__(self, connection: Any, data: bytes) -> None:
        self._connection, self._data = connection, data

    def _more(self) -> None:
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionError("the request has no end")
        self._data += data

    def line(self) -> bytes:
        while b"\r\n" not in self._data:
            self._more()
        line, _, self._data = self._data.partition(b"\r\n")
        return line

    def take(self, size: int) -> bytes:
        while len(self._data) < size:
            self._more()
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def answer(body: bytes = b"", status: str = "200 OK", *fields: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", "")).encode() + body


def answering(*answers: bytes) -> Script:
    """Each request of a connection gets the next of the answers; the last one for ever."""

    def script(connection: Any) -> None:
        left = list(answers)
        while read_request(connection)[0]:
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return script
