"""Connections to the system under load, and what can go wrong with them in a few words.

The address is looked up once, before the load: every connection then goes to the host that was allowed, whatever a
name server says later.
"""

from __future__ import annotations

import _socket
import errno
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import gevent
import gevent.socket
import gevent.ssl
import httptools

from harness.errors import ConfigError


class ConnectionEnded(Exception):
    """The server closed the connection where an answer was due."""


class ProtocolError(Exception):
    """The server sent what the protocol does not allow."""


class TimedOut(Exception):
    """No answer within the plan's timeout: the time is censored, it counts as above every threshold."""


_OWN_MISTAKES = {
    errno.EMFILE: "EMFILE",
    errno.ENFILE: "ENFILE",
    errno.EADDRNOTAVAIL: "EADDRNOTAVAIL",
    errno.ENOBUFS: "ENOBUFS",
    errno.ENOMEM: "ENOMEM",
}


def own_mistake(error: BaseException) -> str:
    """The name of a mistake of the generator's own (no port, no descriptor, DNS), else an empty string."""
    if isinstance(error, gevent.socket.gaierror):
        return "DNS"
    return _OWN_MISTAKES.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def error_kind(error: BaseException) -> str:
    """What happened, in a few words: one of a small set, since rows count errors by it."""
    match error:
        case TimedOut() | TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case ConnectionEnded():
            return "connection closed"
        case ProtocolError() | httptools.HttpParserError() | httptools.HttpParserUpgrade():
            return "protocol error"
        case ssl.SSLError():
            return "TLS error"
        case _:
            return "network error"


FAILURES = (OSError, ConnectionEnded, ProtocolError, TimedOut, httptools.HttpParserError, httptools.HttpParserUpgrade)
"""What a request may end with instead of a response."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of the system under load."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Origin:
        """From ``http://HOST[:PORT]``. Raises ConfigError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("the host is no http:// or https:// address", url, "--host http://127.0.0.1:8080")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))

    @cached_property
    def host_header(self) -> str:
        """As the ``Host`` header says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    def holds(self, location: str) -> bool:
        """Whether a redirect to that location stays on this very scheme, host and port."""
        try:
            parts = urlsplit(location)
            if not parts.scheme and not parts.netloc:
                return True
            return Origin.parse(location if parts.scheme else f"{self.scheme}:{location}") == self
        except (ConfigError, ValueError):
            return False

    @cached_property
    def addresses(self) -> tuple[tuple[int, Any], ...]:
        """Family and address of the host, looked up once. Raises OSError.

        An address needs no resolver: thousands of users that begin together would all be deep in gevent's, and each
        keeps the pages of memory that its stack has reached.
        """
        try:
            found = _socket.getaddrinfo(
                self.host, self.port, 0, _socket.SOCK_STREAM, 0, _socket.AI_NUMERICHOST | _socket.AI_NUMERICSERV
            )
        except _socket.gaierror:
            found = gevent.socket.getaddrinfo(self.host, self.port, 0, gevent.socket.SOCK_STREAM)
        return tuple((family, address) for family, _, _, _, address in found)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies the server's certificate and name against the system's authorities (or SSL_CERT_FILE)."""
        context: ssl.SSLContext = gevent.ssl.create_default_context()
        return context

    def connect(self, timeout_seconds: float) -> Any:
        """A connected gevent socket, with Nagle's delay off: requests and frames are written whole. Raises OSError.

        A name's addresses are tried in turn: "localhost" is often ::1 first, where nobody listens.
        """
        *others, last = self.addresses
        for family, address in others:
            with suppress(ConnectionRefusedError):
                return self._connect(family, address, timeout_seconds)
        return self._connect(*last, timeout_seconds)

    def _connect(self, family: int, address: Any, timeout_seconds: float) -> Any:
        sock = gevent.socket.socket(family, gevent.socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_seconds)
            sock.connect(address)
            sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if self.scheme == "https":
                sock = self.tls.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        return sock
