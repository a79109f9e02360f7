"""The HTTP client against servers that do wrong: each has a name, none can make it hang."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.loadgen.http_client.response import Response
from harness.loadgen.net import FAILURES, TimedOut, error_kind
from tests.loadgen.asking import ask, client_of, fails, saying
from tests.loadgen.scripted_server import answer, answering, read_request, serving


def drip(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        threading.Event().wait(0.05)


def endless(start: bytes, more: bytes):
    def script(connection):
        read_request(connection)
        connection.sendall(start)
        while True:
            connection.sendall(more)

    return script


def test_no_answer_is_a_timeout():
    assert isinstance(fails(lambda connection: threading.Event().wait(2), timeout=0.3), TimedOut)


def test_a_slow_drip_is_a_timeout_of_the_whole_request():
    assert isinstance(fails(drip, timeout=0.3), TimedOut)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 10_000),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000),
        (b"", b"\x00" * 100),
    ],
)
def test_what_has_no_end_is_ended(start, more):
    assert error_kind(fails(endless(start, more), timeout=8.0)) == "protocol error"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", "connection closed"),
        (b"220 smtp.example.org ESMTP\r\n", "protocol error"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger than that", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection closed"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection closed"),
    ],
)
def test_wrong_answers_have_a_name(said, kind):
    assert error_kind(fails(saying(said))) == kind


def test_a_reset_has_a_name():
    def script(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    assert error_kind(fails(script)) == "connection reset"


def test_nobody_listens():
    with serving(answering(answer())) as server:
        client = client_of(server)
    with pytest.raises(ConnectionRefusedError):
        ask(client)


def test_a_bad_answer_does_not_spoil_the_next():
    with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger")) as server:
        client = client_of(server)
        with pytest.raises(FAILURES):
            ask(client)
        server.script = answering(answer(b"good"))
        assert ask(client).body == b"good"
        client.close()


GOOD = (
    answer(b"body", "200 OK", "Set-Cookie: a=b; Path=/", "X: y"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    answer(gzip.compress(b"body" * 20), "200 OK", "Content-Encoding: gzip"),
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"x", "302 Found", "Location: /y"),
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
)


@st.composite
def broken_answers(draw):
    """A good answer with some bytes changed, cut out, doubled or put in; or plain noise."""
    data = bytearray(draw(st.sampled_from((*GOOD, b""))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 12)))
        data[at:to] = draw(
            st.one_of(st.binary(max_size=12), st.sampled_from((b"\r\n", b"\r\n\r\n", b": ", b"\n", b"0")))
        )
    return bytes(data)


@pytest.fixture(scope="module")
def fuzzed():
    with serving(answering(answer())) as server:
        yield server, client_of(server, timeout=2.0)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_answers(), st.integers(1, 40), st.sampled_from(["GET", "HEAD", "POST"]))
def test_whatever_a_server_says_there_is_a_response_or_a_typed_error(fuzzed, said, cut, method):
    server, client = fuzzed

    def script(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(connection)
        connection.sendall(said[:cut])
        connection.sendall(said[cut:])

    server.script = script
    began = time.monotonic()
    response = Response()
    try:
        client.send(method, "/", response, redirects=2)
    except FAILURES as error:
        assert error_kind(error)
    else:
        assert 200 <= response.status <= 999
        dict(response.headers)
    assert time.monotonic() - began < 3.0
    client.close()
