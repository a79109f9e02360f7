"""Which host, and whose mistake."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from harness.errors import ConfigError
from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError, TimedOut, error_kind, own_mistake


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost", "localhost"),
        ("https://lectio.test:443/", "lectio.test"),
        ("http://[::1]:81", "[::1]:81"),
    ],
)
def test_host_header(url, header):
    assert Origin.parse(url).host_header == header


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://"])
def test_no_address(url):
    with pytest.raises(ConfigError):
        Origin.parse(url)


@pytest.mark.parametrize(
    ("location", "stays"),
    [
        ("/login", True),
        ("lessons?page=2", True),
        ("http://127.0.0.1:8080/x", True),
        ("//127.0.0.1:8080/x", True),
        ("http://127.0.0.1:8081/x", False),
        ("https://127.0.0.1:8080/x", False),
        ("http://example.org/", False),
        ("//example.org/x", False),
        ("http://127.0.0.1:8080@example.org/", False),
        ("http://127.0.0.1:notaport/", False),
        ("javascript:alert(1)", False),
        ("http://[::1/", False),
    ],
)
def test_a_redirect_stays_on_scheme_host_and_port(location, stays):
    assert Origin.parse("http://127.0.0.1:8080").holds(location) is stays


def test_the_generators_own_mistakes_are_told_from_the_systems():
    assert own_mistake(OSError(errno.EMFILE, "")) == "EMFILE"
    assert own_mistake(OSError(errno.EADDRNOTAVAIL, "")) == "EADDRNOTAVAIL"
    assert own_mistake(socket.gaierror(-2, "")) == "DNS"
    for error in (ConnectionRefusedError(), ConnectionResetError(errno.ECONNRESET, ""), TimedOut(), ConnectionEnded()):
        assert own_mistake(error) == ""


def test_errors_have_few_names():
    named = {
        TimedOut(): "timeout",
        TimeoutError(): "timeout",
        ConnectionRefusedError(): "connection refused",
        ConnectionResetError(): "connection reset",
        BrokenPipeError(): "connection reset",
        ConnectionEnded(): "connection closed",
        ProtocolError("bad"): "protocol error",
        ssl.SSLError(): "TLS error",
        OSError(errno.EHOSTUNREACH, ""): "network error",
    }
    for error, name in named.items():
        assert error_kind(error) == name
